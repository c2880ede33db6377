// Package pages renders what people see in a browser: sign in, consent, sign
// out, errors, first-run setup, the account page. Every page is a typed value;
// Site.Write turns it into HTML with its headers. Pages work with JavaScript
// off, load nothing from elsewhere, and carry every sentence themselves:
// handlers hand over facts and codes, never text.
package pages

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

const layoutFile = "templates/layout.html"

// Site renders the pages of one issuer. It is immutable and safe for
// concurrent use.
type Site struct {
	issuer    string
	host      string
	base      string
	https     bool
	templates map[string]*template.Template
	assets    []Asset
}

// Page is one of the page types of this package.
type Page interface {
	// template names the file under templates/, without its ending.
	template() string
	// policy says what the page needs beyond the strictest policy.
	policy() Policy
}

// frame is what the layout and the page templates see.
type frame struct {
	Lang       string
	Issuer     string
	Host       string
	Base       string
	Stylesheet string
	Icon       string
	Nonce      string
	Page       Page
}

// New prepares the pages of the issuer, whose URL gives the path prefix of
// every link, the host shown to people, and whether HSTS is sent.
func New(issuer string) (*Site, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("parsing issuer: %w", err)
	}
	assets, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("loading assets: %w", err)
	}
	templates, err := parseTemplates()
	if err != nil {
		return nil, fmt.Errorf("parsing page templates: %w", err)
	}
	return &Site{
		issuer:    issuer,
		host:      u.Host,
		base:      strings.TrimRight(u.EscapedPath(), "/"),
		https:     u.Scheme == "https",
		templates: templates,
		assets:    assets,
	}, nil
}

// parseTemplates gives each page file a set of its own with the layout, so
// that every page can define the same block names.
func parseTemplates() (map[string]*template.Template, error) {
	layout, err := template.New("layout").Funcs(templateFuncs()).ParseFS(templateFiles, layoutFile)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	templates := make(map[string]*template.Template, len(files))
	for _, file := range files {
		if file == layoutFile {
			continue
		}
		set, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if set, err = set.ParseFS(templateFiles, file); err != nil {
			return nil, err
		}
		templates[strings.TrimSuffix(path.Base(file), ".html")] = set
	}
	return templates, nil
}

func templateFuncs() template.FuncMap {
	return template.FuncMap{
		"ago":         ago,
		"day":         day,
		"destination": destination,
		"device":      device,
		"failure":     failureText,
		"https":       httpsOnly,
		"initial":     initial,
		"link":        link,
		"name":        displayName,
		"notice":      noticeText,
		"ordinal":     func(i int) int { return i + 1 },
		"problem":     problemText,
		"scope":       scopeText,
		"span":        span,
	}
}

// Write sends the page with every security header. The page is rendered in
// full before anything is sent: on an error from rendering, w is untouched and
// the caller may still answer otherwise.
func (s *Site) Write(w http.ResponseWriter, status int, page Page) error {
	policy := page.policy()
	if policy.script {
		policy.nonce = rand.Text()
	}
	body, err := s.render(page, policy.nonce)
	if err != nil {
		return fmt.Errorf("rendering %s page: %w", page.template(), err)
	}
	h := w.Header()
	SecurityHeaders(h, s.https)
	h.Set("Content-Security-Policy", policy.String())
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", language)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("sending %s page: %w", page.template(), err)
	}
	return nil
}

func (s *Site) render(page Page, nonce string) ([]byte, error) {
	set, ok := s.templates[page.template()]
	if !ok {
		return nil, fmt.Errorf("no template named %q", page.template())
	}
	var buf bytes.Buffer
	err := set.ExecuteTemplate(&buf, "layout", frame{
		Lang:       language,
		Issuer:     s.issuer,
		Host:       s.host,
		Base:       s.base,
		Stylesheet: s.base + s.assets[stylesheet].Path,
		Icon:       s.base + s.assets[icon].Path,
		Nonce:      nonce,
		Page:       page,
	})
	if err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
