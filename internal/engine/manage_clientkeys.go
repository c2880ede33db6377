package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// maxRegisteredKeys bounds the keys that stand in a client's row, in bytes.
const maxRegisteredKeys = 16 << 10

// checkClientKeys: what a client authenticates with must be there, and be what it
// can authenticate with.
func (e *Engine) checkClientKeys(s *record.ClientSettings, wrong *problems) {
	if len(s.JWKS) > 0 && s.JWKSURI != "" {
		wrong.add("jwks_uri", "stands beside jwks; keep one of them") // RFC 7591 §2
	}
	if s.JWKSURI != "" {
		if err := e.egress.Check(s.JWKSURI); err != nil {
			wrong.add("jwks_uri", "is not an address that the server calls: %s", err)
		}
	}
	if len(s.JWKS) > 0 {
		compact, err := readRegisteredKeys(s.JWKS)
		if err != nil {
			wrong.add("jwks", "is not a set of public keys: %s", err)
		}
		s.JWKS = compact
	}
	signs := s.TokenEndpointAuthMethod == string(oauth.AuthPrivateKeyJWT)
	if signs && len(s.JWKS) == 0 && s.JWKSURI == "" {
		wrong.add("jwks", "private_key_jwt needs the client's public keys: jwks or jwks_uri")
	}
	if s.TokenEndpointAuthMethod == string(oauth.AuthSelfSignedTLS) && len(s.JWKS) == 0 && s.JWKSURI == "" {
		wrong.add("jwks", "self_signed_tls_client_auth needs the key of the client's certificate: jwks or jwks_uri") // RFC 8705 §2.2.2
	}
	if alg := s.TokenEndpointAuthSigningAlg; alg != "" {
		wrong.oneOf("token_endpoint_auth_signing_alg", alg, decide.SigningAlgs()...)
		if !signs {
			wrong.add("token_endpoint_auth_signing_alg", "is for token_endpoint_auth_method private_key_jwt")
		}
	}
}

const maxRequestURIs = 20

// checkRequestObjects: what is signed must be verifiable, and what is fetched must
// be callable.
func (e *Engine) checkRequestObjects(s *record.ClientSettings, wrong *problems) {
	wrong.twice("request_uris", s.RequestURIs)
	if len(s.RequestURIs) > maxRequestURIs {
		wrong.add("request_uris", "are at most %d", maxRequestURIs)
	}
	for _, uri := range s.RequestURIs {
		if err := e.egress.Check(uri); err != nil {
			wrong.add("request_uris", "%q is not an address that the server calls: %s", uri, err)
		}
	}
	alg, hasKeys := s.RequestObjectSigningAlg, len(s.JWKS) > 0 || s.JWKSURI != ""
	switch {
	case alg == "" && !s.RequireSignedRequestObject, alg == decide.AlgNone && !s.RequireSignedRequestObject:
	case alg == decide.AlgNone:
		wrong.add("request_object_signing_alg", "is none, and require_signed_request_object wants a signature")
	case alg != "" && !slices.Contains(decide.SigningAlgs(), alg):
		wrong.oneOf("request_object_signing_alg", alg, decide.RequestObjectAlgs()...)
	case !hasKeys:
		wrong.add("jwks", "signed request objects need the client's public keys: jwks or jwks_uri")
	}
}

// readRegisteredKeys gives the set without white space; not at all if a member of
// it is private.
func readRegisteredKeys(set json.RawMessage) (json.RawMessage, error) {
	if len(set) > maxRegisteredKeys {
		return nil, fmt.Errorf("it is longer than %d bytes", maxRegisteredKeys)
	}
	if _, err := decide.ReadKeys(set); err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, set); err != nil {
		return nil, fmt.Errorf("reading the set: %w", err)
	}
	return compact.Bytes(), nil
}
