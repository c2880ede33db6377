package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"fmt"
	"html"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// httpMain is "http [FLAG...] URL [NAME=VALUE...]":
// a GET, or a POST of a form or of JSON. It prints the status, the reference of a refusal
// and the body; a refusal is status 1.
func httpMain() {
	authority := flag.String("ca", "", "")
	user := flag.String("user", "", "")
	bearer := flag.String("bearer", "", "")
	host := flag.String("host", "", "")
	header := flag.String("header", "", "")
	socket := flag.String("socket", "", "")
	object := flag.String("json", "", "")
	flag.Parse()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: trusting(*authority)}}
	if *socket != "" {
		client.Transport = throughSocket(*socket)
	}
	request, err := http.NewRequest(http.MethodGet, flag.Arg(0), nil)
	if fields := flag.Args()[1:]; err == nil && len(fields) > 0 {
		form := url.Values{}
		for _, field := range fields {
			name, value, _ := strings.Cut(field, "=")
			form.Add(name, value)
		}
		request, err = http.NewRequest(http.MethodPost, flag.Arg(0), strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err == nil && *object != "" {
		request, err = http.NewRequest(http.MethodPost, flag.Arg(0), strings.NewReader(*object))
		request.Header.Set("Content-Type", "application/json")
	}
	if err != nil {
		fail("%v", err)
	}
	if id, secret, ok := strings.Cut(*user, ":"); ok {
		request.SetBasicAuth(id, secret)
	}
	request.Host = *host
	if name, value, ok := strings.Cut(*header, ": "); ok {
		request.Header.Set(name, value)
	}
	if *bearer != "" {
		request.Header.Set("Authorization", "Bearer "+*bearer)
	}
	answer, err := client.Do(request)
	if err != nil {
		fail("%v", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		fail("%v", err)
	}
	fmt.Fprintf(os.Stderr, "%s %s\n", answer.Proto, answer.Status)
	if answer.TLS != nil {
		fmt.Fprintf(os.Stderr, "certificate %s\n", answer.TLS.PeerCertificates[0].Subject.CommonName)
	}
	fmt.Fprintf(os.Stderr, "reference %s\n", answer.Header.Get("Error-Reference"))
	fmt.Fprintf(os.Stderr, "applied %s\n", answer.Header.Get("Preference-Applied"))
	fmt.Println(string(body))
	if answer.StatusCode >= http.StatusBadRequest {
		os.Exit(1)
	}
}

// throughSocket reaches every host through a Unix socket.
func throughSocket(path string) *http.Transport {
	var dialer net.Dialer
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", path)
	}}
}

// trusting trusts the certificates of a file, if there is one.
func trusting(path string) *tls.Config {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		fail("%v", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool}
}

// freeportMain is "freeport": it prints a port that nobody listened on a moment ago.
func freeportMain() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail("%v", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	fmt.Println(port)
	_ = listener.Close()
}

// certificateMain is "certificate NAME CERT KEY": it makes a pair for loopback.
func certificateMain() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fail("%v", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: os.Args[1]},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		fail("%v", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		fail("%v", err)
	}
	for path, block := range map[string]*pem.Block{
		os.Args[2]: {Type: "CERTIFICATE", Bytes: public},
		os.Args[3]: {Type: "PRIVATE KEY", Bytes: private},
	} {
		// A new file takes the place of the old one, as tools that renew certificates do it.
		if err := os.WriteFile(path+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			fail("%v", err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			fail("%v", err)
		}
	}
}

// verifier is the PKCE code verifier of every sign-in here.
const verifier = "a-verifier-of-at-least-forty-three-characters-"

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	formAction  = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
)

// signinMain is "signin ISSUER CLIENT REDIRECT_URI SCOPE EMAIL PASSWORD": a browser
// without scripts goes through sign-in and consent. It prints the code.
func signinMain() {
	issuer, clientID, redirect, scope, email, password := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	jar, err := cookiejar.New(nil)
	if err != nil {
		fail("%v", err)
	}
	browser := &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(next.URL.String(), redirect) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	challenge := sha256.Sum256([]byte(verifier))
	at, text := page(browser.Get(issuer + "/oauth2/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirect}, "scope": {scope}, "state": {"s"},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
	}.Encode()))
	for range 3 {
		if code := at.Query().Get("code"); code != "" {
			fmt.Printf("{\"code\":%q}\n", code)
			return
		}
		form := url.Values{"identifier": {email}, "password": {password}}
		if strings.Contains(text, "consent-allow") {
			form = allow(text)
		}
		for _, field := range hiddenField.FindAllStringSubmatch(text, -1) {
			form.Set(field[1], html.UnescapeString(field[2]))
		}
		action := formAction.FindStringSubmatch(text)
		if action == nil {
			fail("%s shows no form:\n%s", at, text)
		}
		at, text = page(browser.PostForm(issuer+html.UnescapeString(action[1]), form))
	}
	fail("the sign-in does not end")
}

// page is what the browser shows: where, or where it is sent that is not here, and
// the text.
func page(answer *http.Response, err error) (*url.URL, string) {
	if err != nil {
		fail("%v", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		fail("%v", err)
	}
	if away, err := answer.Location(); err == nil {
		return away, ""
	}
	return answer.Request.URL, string(text)
}

var allowButton = regexp.MustCompile(`<button id="consent-allow"[^>]*name="([^"]*)" value="([^"]*)"`)

func allow(text string) url.Values {
	button := allowButton.FindStringSubmatch(text)
	if button == nil {
		fail("the consent page has no button to allow:\n%s", text)
	}
	return url.Values{button[1]: {button[2]}}
}
