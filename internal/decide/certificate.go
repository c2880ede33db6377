package decide

import (
	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// certified decides whether the certificate of the connection is that of the client
// which the request names (RFC 8705 §2). That the client has its key was seen in the
// handshake, by us or by a proxy that we trust.
func certified(method oauth.AuthMethod, cred oauth.Credentials, st *record.ClientState, env Env) *oauth.Error {
	shown := cred.Certificate
	switch {
	case shown == nil:
		return refuseClient(oauth.ReasonCertificateMissing, cred)
	case !shown.InForce(env.Now):
		return oauth.Refuse(oauth.ReasonCertificateExpired).About(oauth.Detail{
			Client: cred.ClientID, Expected: shown.Leaf().NotAfter.UnixMilli(), Seen: env.Now,
		})
	case method == oauth.AuthSelfSignedTLS:
		return selfCertified(cred, st)
	}
	// RFC 8705 §2.1: a chain that leads to an authority of the server's own, and the one name.
	if err := shown.VouchedFor(env.Policy.Mutual.Authorities, env.Now); err != nil {
		return refuseClient(oauth.ReasonCertificateUntrusted, cred).Because(err)
	}
	if !CertificateSubject(&st.Client.Settings).Names(shown) {
		return refuseClient(oauth.ReasonCertificateSubject, cred)
	}
	return nil
}

// selfCertified: RFC 8705 §2.2, nobody vouches for it; it is one that the client
// registered.
func selfCertified(cred oauth.Credentials, st *record.ClientState) *oauth.Error {
	if st.Proof.Trouble != nil {
		return st.Proof.Trouble.About(oauth.Detail{Client: cred.ClientID})
	}
	if !st.Proof.Keys.Certifies(cred.Certificate.Leaf()) {
		return refuseClient(oauth.ReasonCertificateUnknown, cred)
	}
	return nil
}

// CertificateSubject is the name by which a client's certificate is known.
func CertificateSubject(s *record.ClientSettings) clientcert.Subject {
	return clientcert.Subject{DN: s.TLSSubjectDN, DNS: s.TLSDNS, URI: s.TLSURI, IP: s.TLSIP, Email: s.TLSEmail}
}

// boundTo is the certificate that the tokens of a request are bound to; "" for a
// client whose tokens are not (RFC 8705 §3, §3.4).
func boundTo(client *record.Client, cred oauth.Credentials) string {
	if !client.Settings.CertificateBound {
		return ""
	}
	return cred.Certificate.Thumbprint()
}

// refreshes reports whether a connection is one on which a grant may be refreshed: a
// public client's is bound to the certificate that it was made with (RFC 8705 §4); a
// confidential one's is bound to whom that authenticates (§7.1).
func refreshes(grant *record.Grant, cred oauth.Credentials) bool {
	return grant.X5T == "" || grant.X5T == cred.Certificate.Thumbprint()
}

// holds reports whether a connection is one on which an access token may be used (RFC
// 8705 §3).
func holds(tok Presented) bool {
	return tok.Access.X5T == "" || tok.Access.X5T == tok.Certificate.Thumbprint()
}
