package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	// logoutTTL: OpenID Connect Back-Channel Logout 1.0 §4, "preferably at most two
	// minutes in the future".
	logoutTTL = 2 * 60
	// maxLogoutAnswer is what is read of the answer, which says nothing.
	maxLogoutAnswer = 64 << 10
)

// deliverLogout tells a client that a session has ended (OpenID Connect
// Back-Channel Logout 1.0 §2.5). The token is made for this attempt, so that it is
// young however long the client was away.
func (o *Outbox) deliverLogout(ctx context.Context, d *record.Delivery) result {
	client, err := o.Store.Client(ctx, d.Receiver)
	switch {
	case err != nil:
		return result{answer: "not tried: the database did not answer", err: err}
	case client == nil:
		return result{outcome: record.Withdrawn, answer: "the client is gone"}
	case client.Settings.BackchannelLogoutURI == "":
		return result{outcome: record.Withdrawn, answer: "the client names no address any more"}
	}
	token, err := o.logoutToken(client, d)
	if err != nil {
		return result{answer: "not tried: nothing could be signed", err: err}
	}
	// §2.5: "the logout_token parameter value is the Logout Token", in a form.
	body := []byte(url.Values{"logout_token": {token}}.Encode())
	answer, err := o.Egress.Post(ctx, client.Settings.BackchannelLogoutURI, "application/x-www-form-urlencoded", body, maxLogoutAnswer)
	return judge(answer.Status, err)
}

// judge: §2.8, 200 says that the logout succeeded, and 204 has to be taken for the
// same; everything else says that it did not.
func judge(status int, err error) result {
	if refused, ok := errors.AsType[*egress.Error](err); ok {
		words := string(refused.Rule)
		if refused.Kind != "" {
			words += " (" + refused.Kind + ")"
		}
		return result{answer: words, err: err}
	}
	switch {
	case err != nil:
		return result{answer: "not answered", err: err}
	case status == 200, status == 204:
		return result{outcome: record.Delivered, answer: fmt.Sprintf("answered %d", status)}
	}
	return result{answer: fmt.Sprintf("answered %d", status)}
}

func (o *Outbox) logoutToken(client *record.Client, d *record.Delivery) (string, error) {
	signer := mint.Mint{Issuer: o.Issuer, Ring: o.Ring()}
	issued := o.now() / 1000
	return signer.SignLogout(&mint.LogoutFacts{
		Alg:       client.IDTokenAlg(),
		Subject:   o.SubjectFor(client, d.Payload),
		ClientID:  client.ID,
		SID:       d.About,
		JTI:       randomID(),
		IssuedAt:  issued,
		ExpiresAt: issued + logoutTTL,
	})
}
