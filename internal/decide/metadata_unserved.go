package decide

import (
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// unservedFields are what this server does not do. Whoever asks for it is told so.
func unservedFields() []MetadataField {
	fields := []MetadataField{
		{
			Name: "software_statement", Spec: "RFC 7591 §2.3", Rule: "No issuer of statements is approved.",
			Refused: true, reason: oauth.ReasonRegistrationStatement,
		},
		off("frontchannel_logout_session_required", "OpenID Connect Front-Channel Logout §2"),
		off("require_pushed_authorization_requests", "RFC 9126 §6"),
		off("dpop_bound_access_tokens", "RFC 9449 §5.2"),
		off("backchannel_user_code_parameter", "OpenID Connect CIBA §4"),
	}
	for _, group := range []struct {
		spec  string
		names []string
	}{
		{inOIDC, []string{
			"id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
			"userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
			"request_object_encryption_alg", "request_object_encryption_enc",
		}},
		{"OpenID Connect Front-Channel Logout §2", []string{"frontchannel_logout_uri"}},
		{"RFC 9396 §10", []string{"authorization_details_types"}},
		{"RFC 9701 §6", []string{"introspection_signed_response_alg", "introspection_encrypted_response_alg", "introspection_encrypted_response_enc"}},
		{"JWT Secured Authorization Response Mode §3", []string{
			"authorization_signed_response_alg", "authorization_encrypted_response_alg", "authorization_encrypted_response_enc",
		}},
		{"OpenID Connect CIBA §4", []string{
			"backchannel_token_delivery_mode", "backchannel_client_notification_endpoint", "backchannel_authentication_request_signing_alg",
		}},
	} {
		for _, name := range group.names {
			fields = append(fields, MetadataField{
				Name: name, Spec: group.spec, Rule: "Not done here.", Refused: true, reason: oauth.ReasonRegistrationUnserved,
			})
		}
	}
	return fields
}

// off is a switch that nothing is behind: to leave it off is no wish.
func off(name, spec string) MetadataField {
	return MetadataField{
		Name: name, Spec: spec, Rule: "`false`; what it would switch on is not done here.", Default: "`false`",
		take: func(_ *Metadata, from jose.Object) bool {
			value, err := from.Bool(name)
			return err == nil && !value
		},
	}
}

// serverFields are what the server says of a client, and not the client of itself.
// An update names id and secret (RFC 7592 §2.2), and "MUST NOT include" the others.
func serverFields() []MetadataField {
	own := func(name, rule string, take func(*Metadata, jose.Object) bool) MetadataField {
		return MetadataField{
			Name: name, Spec: "RFC 7591 §3.2.1; RFC 7592 §2.2, §3", Rule: rule,
			Refused: true, reason: oauth.ReasonRegistrationField, take: take,
		}
	}
	const told = "The server's to say."
	return []MetadataField{
		own("client_id", told+" An update must name it.", func(into *Metadata, from jose.Object) bool {
			value, err := from.String("client_id")
			into.ID = value
			return err == nil && value != ""
		}),
		own("client_secret", told+" An update may name the one that there is, and changes nothing by it.", func(into *Metadata, from jose.Object) bool {
			value, err := from.String("client_secret")
			into.Secret = value
			return err == nil && value != ""
		}),
		own("client_id_issued_at", told, nil),
		own("client_secret_expires_at", told, nil),
		own("registration_access_token", told, nil),
		own("registration_client_uri", told, nil),
	}
}
