// Package pages renders what people see in a browser: sign in, consent, sign
// out, errors, first-run setup, the account page. Every page is a typed value;
// Site.Write turns it into HTML with its headers, in one of the languages that
// have a catalogue. Pages work with JavaScript off, load nothing from elsewhere,
// and carry every sentence themselves: handlers hand over facts and codes, never
// text, and templates hold keys of the catalogues.
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
	"slices"
	"strconv"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

const layoutFile = "templates/layout.html"

// Site renders the pages of one issuer. It is immutable and safe for
// concurrent use.
type Site struct {
	issuer   string
	host     string
	base     string
	https    bool
	speeches map[string]*speech // by language
	chooser  chooser
	assets   []Asset
}

// speech is the pages in one language.
type speech struct {
	*tongue
	templates map[string]*template.Template
	others    []*tongue // the languages to change to
}

// Page is one of the page types of this package.
type Page interface {
	// template names the file under templates/, without its ending.
	template() string
	// policy says what the page needs beyond the strictest policy.
	policy() Policy
	// address is where the page is shown again in another language, below the
	// issuer's own path; empty where it cannot be.
	address() string
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
	Others     []choice
}

// choice is a language that the user may change to.
type choice struct{ Code, Name, Address string }

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
	s := &Site{
		issuer:   issuer,
		host:     u.Host,
		base:     strings.TrimRight(u.EscapedPath(), "/"),
		https:    u.Scheme == "https",
		speeches: map[string]*speech{},
		assets:   assets,
	}
	var tongues []*tongue
	for _, code := range Languages() {
		l, err := loadTongue(code)
		if err != nil {
			return nil, err
		}
		tongues = append(tongues, l)
	}
	s.chooser = newChooser(tongues)
	return s, s.speak(tongues)
}

// speak prepares the templates of each language.
func (s *Site) speak(tongues []*tongue) error {
	for _, l := range tongues {
		templates, err := parseTemplates(l)
		if err != nil {
			return fmt.Errorf("parsing page templates: %w", err)
		}
		others := slices.DeleteFunc(slices.Clone(tongues), func(other *tongue) bool { return other == l })
		s.speeches[l.code] = &speech{tongue: l, templates: templates, others: others}
	}
	return nil
}

// parseTemplates gives each page file a set of its own with the layout, so
// that every page can define the same block names.
func parseTemplates(l *tongue) (map[string]*template.Template, error) {
	layout, err := template.New("layout").Funcs(l.templateFuncs()).ParseFS(templateFiles, layoutFile)
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

func (l *tongue) templateFuncs() template.FuncMap {
	return template.FuncMap{
		"anchor":      anchor,
		"attribute":   l.attribute,
		"bdi":         bdi,
		"client":      l.client,
		"code":        code,
		"date":        l.date,
		"destination": destination,
		"device":      l.device,
		"failure":     l.failure,
		"host":        host,
		"https":       httpsOnly,
		"initial":     initial,
		"language":    func() string { return l.code },
		"link":        link,
		"name":        displayName,
		"home":        l.home,
		"notice":      l.notice,
		"ordinal":     func(i int) int { return i + 1 },
		"outward":     outward,
		"past":        l.past,
		"placeName":   placeName,
		"problem":     l.problem,
		"refresh":     refresh,
		"scope":       l.scope,
		"span":        l.span,
		"strong":      strong,
		"t":           l.say,
		"user":        user,
	}
}

// Write sends the page in a language with every security header. A language that
// is none of ours is the first of ours. The page is rendered in full before
// anything is sent: on an error from rendering, w is untouched and the caller may
// still answer otherwise.
func (s *Site) Write(w http.ResponseWriter, status int, language string, page Page) error {
	policy := page.policy()
	if policy.script {
		policy.nonce = rand.Text()
	}
	in, ok := s.speeches[language]
	if !ok {
		in = s.speeches[Languages()[0]]
	}
	body, err := s.render(page, in, policy.nonce)
	if err != nil {
		return fmt.Errorf("rendering %s page: %w", page.template(), err)
	}
	h := w.Header()
	SecurityHeaders(h, s.https)
	h.Set("Content-Security-Policy", policy.String())
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", in.code)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("sending %s page: %w", page.template(), err)
	}
	return nil
}

func (s *Site) render(page Page, in *speech, nonce string) ([]byte, error) {
	set, ok := in.templates[page.template()]
	if !ok {
		return nil, fmt.Errorf("no template named %q", page.template())
	}
	var buf bytes.Buffer
	err := set.ExecuteTemplate(&buf, "layout", frame{
		Lang:       in.code,
		Issuer:     s.issuer,
		Host:       s.host,
		Base:       s.base,
		Stylesheet: s.base + s.assets[stylesheet].Path,
		Icon:       s.base + s.assets[icon].Path,
		Nonce:      nonce,
		Page:       page,
		Others:     s.choices(page, in),
	})
	if err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// choices are the other languages, each with where the page is shown in it.
func (s *Site) choices(page Page, in *speech) []choice {
	address := page.address()
	if address == "" {
		return nil
	}
	mark := "?"
	if strings.Contains(address, "?") {
		mark = "&"
	}
	choices := make([]choice, len(in.others))
	for i, other := range in.others {
		choices[i] = choice{
			Code: other.code, Name: other.text("language.name"),
			Address: s.base + address + mark + FieldLanguage + "=" + other.code,
		}
	}
	return choices
}
