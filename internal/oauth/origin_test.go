package oauth

import "testing"

func TestAnOriginIsThatOfARegisteredRedirectURI(t *testing.T) {
	registered := []string{
		"https://app.example/cb", "https://port.example:8443/cb?x=1", "https://Default.example:443/cb", "http://localhost:5173/cb",
		"http://[::1]:7000/cb", "com.example.app:/cb", "https://evil.example/#c",
	}
	for origin, want := range map[string]struct{ web, native bool }{
		"https://app.example":           {true, true},
		"https://port.example:8443":     {true, true},
		"https://default.example":       {true, true},
		"http://localhost:5173":         {true, true},
		"http://localhost:9999":         {false, true}, // RFC 8252 §7.3
		"http://[::1]:1":                {false, true},
		"http://127.0.0.1:7000":         {false, false},
		"https://app.example:8443":      {false, false},
		"http://app.example":            {false, false},
		"https://app.example.evil.test": {false, false},
		"https://sub.app.example":       {false, false},
		"https://APP.example":           {false, false},
		"https://app.example/":          {false, false},
		"https://port.example":          {false, false},
		"https://default.example:443":   {false, false},
		"https://evil.example":          {false, false}, // could not be registered today
		"com.example.app:":              {false, false},
		"null":                          {false, false},
		"":                              {false, false},
	} {
		if got := OriginAmong(registered, origin, false); got != want.web {
			t.Errorf("%q of a web client: %v", origin, got)
		}
		if got := OriginAmong(registered, origin, true); got != want.native {
			t.Errorf("%q of a native client: %v", origin, got)
		}
	}
}
