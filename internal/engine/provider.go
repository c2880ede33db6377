package engine

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	maxDiscovery    = 64 << 10 // bytes of what upstreams answer
	maxTokenAnswer  = 64 << 10
	maxUserinfo     = 64 << 10
	providerCallers = 8 // browsers that one upstream is asked for at a time
)

// providers keeps what upstreams say of themselves, and bounds how many browsers wait
// for each: one that stalls holds up nobody but those who chose it.
type providers struct {
	egress *egress.Client
	log    *slog.Logger
	now    func() int64

	mu sync.Mutex
	of map[string]*provider // by id
}

// provider is an upstream as it was found.
type provider struct {
	callers chan struct{}

	mu       sync.Mutex // held while it is asked
	of       record.Upstream
	metadata decide.UpstreamMetadata
	trouble  *oauth.Error // of the last try
	fetched  int64        // when metadata was; zero: never
	fresh    int64        // until then nothing need be asked
	retry    int64        // until then nothing is asked
	wait     int64        // after the next try in vain
}

// enter gives the provider of an upstream with one of its places; leave it.
func (p *providers) enter(u *record.Upstream) (*provider, *oauth.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.of[u.ID]
	if found == nil || found.of.Version != u.Version || found.of.MadeAt != u.MadeAt {
		found = &provider{callers: make(chan struct{}, providerCallers), of: *u, wait: retryLeast}
		p.of[u.ID] = found
	}
	select {
	case found.callers <- struct{}{}:
		return found, nil
	default:
		return nil, oauth.Refuse(oauth.ReasonUpstreamAway)
	}
}

func (p *provider) leave() { <-p.callers }

// discover gives what an upstream says of itself, asking it when that is no longer
// fresh. What it said last counts for a day while it does not answer. Whoever comes
// meanwhile waits for the one answer.
func (p *providers) discover(ctx context.Context, found *provider) (decide.UpstreamMetadata, *oauth.Error) {
	found.mu.Lock()
	defer found.mu.Unlock()
	now := p.now()
	if now >= found.fresh && now >= found.retry || found.fresh-now > freshMost || found.retry-now > retryMost {
		p.ask(ctx, found)
	}
	if found.fetched != 0 && p.now() < found.fetched+staleMost {
		return found.metadata, nil
	}
	return decide.UpstreamMetadata{}, found.trouble
}

// ask fetches the discovery document (OpenID Connect Discovery §4).
func (p *providers) ask(ctx context.Context, found *provider) {
	s := &found.of.Settings
	address := strings.TrimSuffix(s.Issuer, "/") + "/.well-known/openid-configuration" // §4.1: a slash at the end is removed
	answer, err := p.egress.Get(ctx, address, "application/json", maxDiscovery)
	if ctx.Err() != nil && err != nil {
		found.trouble = oauth.Refuse(oauth.ReasonUpstreamAway).Because(ctx.Err())
		return // it is the browser that went away
	}
	found.trouble = upstreamTrouble(err)
	var metadata decide.UpstreamMetadata
	if err == nil {
		metadata, found.trouble = p.judge(answer.Body, s)
	}
	now := p.now()
	if found.trouble != nil {
		found.retry, found.wait = now+found.wait, min(found.wait*2, retryMost)
		p.log.Warn("an upstream cannot be used", "upstream", found.of.ID, "error", found.trouble, "cause", found.trouble.Err)
		return
	}
	found.metadata, found.fetched, found.fresh, found.retry, found.wait = metadata, now, now+freshFor(answer.Fresh), 0, retryLeast
}

// judge reads a discovery document. Where its addresses lead is judged again, by what
// they resolve to, whenever one is called; the one that browsers are sent to is judged
// here alone.
func (p *providers) judge(document []byte, s *record.UpstreamSettings) (decide.UpstreamMetadata, *oauth.Error) {
	metadata, reason := decide.ReadUpstream(document, s)
	if reason != "" {
		return metadata, oauth.Refuse(reason)
	}
	for _, address := range []string{metadata.Authorization, metadata.Token, metadata.JWKS, metadata.Userinfo} {
		if address == "" {
			continue
		}
		if err := p.egress.Check(address); err != nil {
			return metadata, oauth.Refuse(oauth.ReasonUpstreamUnusable).Because(err)
		}
	}
	return metadata, nil
}

// upstreamTrouble: what may be mended by itself is told apart.
func upstreamTrouble(err error) *oauth.Error {
	if err == nil {
		return nil
	}
	reason := oauth.ReasonUpstreamUnusable
	if e, ok := errors.AsType[*egress.Error](err); ok {
		switch {
		case e.Rule == egress.RuleUnreachable, e.Rule == egress.RuleTimeout, e.Rule == egress.RuleStatus && e.Seen/100 == 5:
			reason = oauth.ReasonUpstreamAway
		}
	}
	return oauth.Refuse(reason).Because(err)
}

// askTokens turns a code into the ID token and the access token (OpenID Connect Core
// §3.1.3). The secret goes to the token endpoint of the pinned issuer and nowhere else.
func (e *Engine) askTokens(ctx context.Context, u *record.Upstream, m *decide.UpstreamMetadata, code string, trip *decide.Trip) (id, access string, _ *oauth.Error) {
	secretText, err := e.kek.Open(upstreamPurpose(u.ID), u.Sealed)
	if err != nil {
		return "", "", oauth.Refuse(oauth.ReasonInternal).Because(err)
	}
	form := url.Values{
		"grant_type": {oauth.GrantAuthorizationCode}, "code": {code}, "code_verifier": {trip.Verifier},
		"redirect_uri": {decide.UpstreamCallback(e.policy.Issuer, u.ID)},
	}
	answer, err := e.egress.Call(ctx, egress.Call{
		Address: m.Token, Form: form.Encode(), Accept: "application/json", Limit: maxTokenAnswer,
		Authorization: oauth.BasicCredentials(u.Settings.ClientID, string(secretText)),
	})
	if err != nil {
		return "", "", upstreamTrouble(err)
	}
	if answer.Status != 200 {
		if answer.Status/100 == 5 {
			return "", "", oauth.Refuse(oauth.ReasonUpstreamAway)
		}
		return "", "", oauth.Refuse(oauth.ReasonUpstreamCode)
	}
	id, access, reason := decide.ReadTokenAnswer(answer.Body)
	if reason != "" {
		return "", "", oauth.Refuse(reason)
	}
	return id, access, nil
}

// prove turns a code into whom the upstream vouches for.
func (e *Engine) prove(ctx context.Context, u *record.Upstream, m *decide.UpstreamMetadata, code string, trip *decide.Trip) (decide.ForeignUser, string, *oauth.Error) {
	id, access, refused := e.askTokens(ctx, u, m, code, trip)
	if refused != nil {
		return decide.ForeignUser{}, "", refused
	}
	source := keySource{name: "upstream " + u.ID, uri: m.JWKS}
	keys, _ := e.clientKeys.from(ctx, source, named(decide.ForeignTokenKID(id)))
	if trouble := keys.Trouble; trouble != nil {
		reason := oauth.ReasonUpstreamUnusable
		if trouble.Reason == oauth.ReasonClientKeysAway {
			reason = oauth.ReasonUpstreamAway
		}
		return decide.ForeignUser{}, "", oauth.Refuse(reason).Because(trouble)
	}
	who, reason := decide.ReadForeignToken(decide.ForeignToken{
		Text: id, Access: access, Keys: keys.Keys, Algs: m.Algs, ClientID: u.Settings.ClientID, Trip: trip,
	}, e.env())
	if reason != "" {
		return who, "", oauth.Refuse(reason)
	}
	return who, access, nil
}

// moreAbout asks the upstream's userinfo for what its ID token does not say of
// somebody who is about to become a user here.
func (e *Engine) moreAbout(ctx context.Context, who decide.ForeignUser, m *decide.UpstreamMetadata, access string) (decide.ForeignUser, *oauth.Error) {
	if m.Userinfo == "" {
		return who, nil
	}
	answer, err := e.egress.Call(ctx, egress.Call{
		Address: m.Userinfo, Authorization: "Bearer " + access, Accept: "application/json", Limit: maxUserinfo,
	})
	if err != nil {
		return who, upstreamTrouble(err)
	}
	if answer.Status != 200 {
		return who, oauth.Refuse(oauth.ReasonUpstreamUnusable)
	}
	who, reason := decide.ReadForeignUserinfo(who, answer.Body)
	if reason != "" {
		return who, oauth.Refuse(reason)
	}
	return who, nil
}
