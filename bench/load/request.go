package load

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Get renders a GET request. header holds lines like "Cookie: a=b", without their line ends.
func Get(host, target string, header ...string) []byte {
	return []byte("GET " + target + " HTTP/1.1\r\n" + lines(host, header) + "\r\n")
}

// Post renders a POST request with a form.
func Post(host, target string, form url.Values, header ...string) []byte {
	body := form.Encode()
	header = append(slices.Clone(header),
		"Content-Type: application/x-www-form-urlencoded",
		fmt.Sprintf("Content-Length: %d", len(body)))
	return []byte("POST " + target + " HTTP/1.1\r\n" + lines(host, header) + "\r\n" + body)
}

// PostJSON is a POST of a JSON text.
func PostJSON(host, target, text string, header ...string) []byte {
	header = append(slices.Clone(header), "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(text)))
	return []byte("POST " + target + " HTTP/1.1\r\n" + lines(host, header) + "\r\n" + text)
}

func lines(host string, header []string) string {
	var b strings.Builder
	b.WriteString("Host: " + host + "\r\n")
	for _, line := range header {
		b.WriteString(line + "\r\n")
	}
	return b.String()
}
