package pages

import (
	"net/http"
	"strings"
	"testing"
)

func newTestSite(t *testing.T) *Site {
	t.Helper()
	site, err := New("https://id.example/auth")
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// OpenID Connect Core §3.1.2.1: "a space-separated list of BCP47 language tag
// values, ordered by preference", and what is not supported is no error.
func TestUILocalesAreReadInTheirOrder(t *testing.T) {
	s := newTestSite(t)
	for wish, want := range map[string]string{
		"de": "de", "en": "en", "DE": "de", "de-CH": "de", "en-GB en": "en", "fr de": "de", "fr-CA de-AT en": "de", "en de": "en",
		"": "", "fr": "", "ja xx": "", "lb": "de", "not_a_tag! de": "de", " de  en ": "de",
		strings.Repeat("fr ", 400) + "de": "", strings.Repeat("x", 5000): "", "\x00 de\xff": "",
	} {
		if got := s.ForLocales(wish); got != want {
			t.Errorf("%.40q finds %q, want %q", wish, got, want)
		}
	}
}

// RFC 9110 §12.5.4.
func TestAcceptLanguageIsReadByItsWeights(t *testing.T) {
	s := newTestSite(t)
	for wish, want := range map[string]string{
		"de-DE,de;q=0.9,en;q=0.8": "de", "en-US,en;q=0.9": "en", "en;q=0.1, de;q=0.7": "de", "fr, de;q=0.5": "de", "ja,zh-CN;q=0.9": "",
		"": "", "*": "", "de;q=0": "", "nonsense;;q=": "", strings.Repeat("de,", 1000): "",
	} {
		if got := s.ForHeader(wish); got != want {
			t.Errorf("%.40q finds %q, want %q", wish, got, want)
		}
	}
}

func TestAPageInALanguageThatWeDoNotSpeakIsInOurFirst(t *testing.T) {
	w := writeIn(t, "tlh", "https://id.example", Index{})
	if w.Header().Get("Content-Language") != "en" || !strings.Contains(w.Body.String(), `<html lang="en">`) {
		t.Error(w.Header(), w.Body)
	}
}

// The link leads to the same page; one that asks about a request that came from
// elsewhere, or that cannot be come to again, has none.
func TestPagesOfferTheOtherLanguage(t *testing.T) {
	for name, want := range map[string]string{
		"login": "/login?interaction=interaction-1&lang=de", "consent": "/consent?interaction=interaction-1&lang=de", "choose": "/choose?interaction=interaction-1&lang=de", "index": "/?lang=de",
		"signup":  "/sign-up?interaction=interaction-1&lang=de",
		"account": "/account?lang=de", "setup": "/setup?token=mst_x&lang=de", "setupdone": "/setup/done?lang=de",
		"logout": "", "signedout": "", "failure": "", "formpost": "",
	} {
		link := byID(elements(t, write(t, "https://id.example/auth", every(harmless)[name]).Body.String()))["language-de"]
		if want != "" {
			want = "/auth" + want
		}
		if link.attrs["href"] != want {
			t.Errorf("%s page: the link is %q, want %q", name, link.attrs["href"], want)
		}
		if want != "" && (link.attrs["lang"] != "de" || link.attrs["hreflang"] != "de") {
			t.Errorf("%s page: the link does not say its language: %v", name, link.attrs)
		}
	}
	if german := bodyIn(t, "de", Index{}); !strings.Contains(german, `lang="en">English</a>`) || strings.Contains(german, ">Deutsch<") {
		t.Error("the German page does not offer English")
	}
}

func TestEveryPageSaysItsLanguageInItsHeader(t *testing.T) {
	for _, language := range Languages() {
		for name, page := range every(harmless) {
			if got := writeIn(t, language, "https://id.example", page).Header().Get("Content-Language"); got != language {
				t.Errorf("%s page in %s says %q", name, language, got)
			}
		}
	}
}

// Certification: the code and the parameter at fault are machine words, the same
// in every language.
func TestAnErrorPageLeavesMachineWordsUntranslated(t *testing.T) {
	page := Failure{Code: "invalid_request", Parameter: "redirect_uri", Description: "The redirect URI is not registered", Reference: "r1.xyz"}
	for _, language := range Languages() {
		text := bodyIn(t, language, page)
		for _, want := range []string{
			`<code id="error-code" translate="no">invalid_request</code>`, `<code id="error-parameter" translate="no">redirect_uri</code>`,
			`lang="en" translate="no">The redirect URI is not registered`, ">r1.xyz</code>", tongueOf(t, language).failure(page).Text,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page lacks %q", language, want)
			}
		}
	}
	if status := writeIn(t, "de", "https://id.example", page).Code; status != http.StatusOK {
		t.Error(status)
	}
}
