package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// revoke is the revocation endpoint. RFC 7009 §2.
func (s *site) revoke(v *visit) {
	authorization, err := v.authorization(oauth.ReasonClientAuthTwice)
	if err != nil {
		s.refuse(v, err)
		return
	}
	form, _ := oauth.ParseForm(v.body) // the form remembers its fault
	request, err := oauth.ParseRevocationRequest(authorization, form)
	if err == nil {
		request.Credentials.Certificate, err = s.certificate(v)
	}
	if err != nil {
		s.refuse(v, err)
		return
	}
	s.shareWithClient(v, request.Credentials.ClientID)
	wait := preferredWait(v.r.Header)
	if wait > 0 && !s.receipts.enter() {
		wait = 0 // a preference, no more (RFC 7240 §2)
	} else if wait > 0 {
		defer s.receipts.exit()
	}
	got, _ := receiptAfter(v.r.Context(), s.feed, wait, func() error {
		if err = s.engine.Revoke(v.r.Context(), &request); err != nil {
			return err
		}
		v.exit()
		return nil
	})
	v.clientID = request.Credentials.ClientID // which its assertion may have said
	if err != nil {
		s.refuse(v, err)
		return
	}
	h := v.Header()
	if got != nil {
		h.Set("Preference-Applied", applied(wait))
		s.sendValue(v, receiptOf(*got))
		return
	}
	s.guard(h)
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
	h.Set("Content-Length", "0")
	v.WriteHeader(http.StatusOK) // RFC 7009 §2.2: the status says it all
}
