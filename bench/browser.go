package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// browser is one person's browser: it keeps cookies, shows pages, and follows no redirect by itself.
type browser struct {
	client *http.Client
}

func newBrowser() (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("making a cookie jar: %w", err)
	}
	return &browser{&http.Client{Jar: jar, Timeout: readyWithin, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}, nil
}

// page is what a request led to: a document, or the way to another one.
type page struct {
	url      *url.URL
	status   int
	redirect *url.URL // nil if the page is a document
	body     string
}

func (b *browser) get(ctx context.Context, target string) (page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return page{}, err
	}
	return b.do(request)
}

// submit sends a form of a page.
func (b *browser) submit(ctx context.Context, from page, f form) (page, error) {
	request, err := from.submission(ctx, f)
	if err != nil {
		return page{}, err
	}
	return b.do(request)
}

// submission is the request that sends a form of the page.
func (p page) submission(ctx context.Context, f form) (*http.Request, error) {
	action, err := p.url.Parse(f.action)
	if err != nil {
		return nil, fmt.Errorf("reading a form's action: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(f.fields.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", p.url.Scheme+"://"+p.url.Host)
	return request, nil
}

func (b *browser) do(request *http.Request) (page, error) {
	response, err := b.client.Do(request)
	if err != nil {
		return page{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return page{}, fmt.Errorf("reading a page: %w", err)
	}
	p := page{url: request.URL, status: response.StatusCode, body: string(body)}
	if location := response.Header.Get("Location"); location != "" {
		if p.redirect, err = request.URL.Parse(location); err != nil {
			return page{}, fmt.Errorf("reading a redirect: %w", err)
		}
	}
	return p, nil
}

// loginPage follows an authorization request to the sign-in page.
func (b *browser) loginPage(ctx context.Context, request string) (page, form, error) {
	p, err := b.get(ctx, request)
	for range 5 {
		if err != nil {
			return page{}, form{}, err
		}
		if p.redirect == nil {
			break
		}
		p, err = b.get(ctx, p.redirect.String())
	}
	f, found := formWith(parseForms(p.body), "login-password")
	if !found {
		return page{}, form{}, fmt.Errorf("no sign-in page at %s: %d %.300q", p.url, p.status, p.body)
	}
	return p, f, nil
}

var errEndlessPages = errors.New("no code after ten pages")

// authorize follows an authorization request through whatever pages it shows, and returns the code.
func (b *browser) authorize(ctx context.Context, request string, who person) (string, error) {
	p, err := b.get(ctx, request)
	for range 10 {
		switch {
		case err != nil:
			return "", err
		case p.redirect != nil && strings.HasPrefix(p.redirect.String(), redirectURI):
			return codeOf(p.redirect)
		case p.redirect != nil:
			p, err = b.get(ctx, p.redirect.String())
		default:
			p, err = b.answer(ctx, p, who)
		}
	}
	return "", errEndlessPages
}

// answer does on a page what a person who wants to go on does.
func (b *browser) answer(ctx context.Context, p page, who person) (page, error) {
	forms := parseForms(p.body)
	if f, found := formWith(forms, "login-password"); found {
		f.fill("login-identifier", who.email)
		f.fill("login-password", who.password)
		return b.submit(ctx, p, f)
	}
	if f, found := formWith(forms, "consent-allow"); found {
		f.press("consent-allow")
		return b.submit(ctx, p, f)
	}
	return page{}, fmt.Errorf("neither sign-in nor consent at %s: %d %.300q", p.url, p.status, p.body)
}

func codeOf(redirect *url.URL) (string, error) {
	code := redirect.Query().Get("code")
	if code == "" {
		return "", fmt.Errorf("no code but %q", redirect.RawQuery)
	}
	return code, nil
}
