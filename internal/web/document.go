package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// How long others may keep our documents. A new signing key is published long
// before it signs, so five minutes are plenty for the key set; metadata changes
// with a release or a setting.
const (
	keysCacheControl     = "public, max-age=300"
	metadataCacheControl = "public, max-age=3600"
)

// document is a JSON document whose bytes and headers are made in advance.
type document struct {
	body         []byte
	etag         string
	cacheControl []string
	contentType  []string
	tag          []string
	length       []string
}

// metadataDocuments are what the well-known paths of OpenID Connect Discovery §4 and
// of RFC 8414 §3 serve.
type metadataDocuments struct{ openID, oauth *document }

func documentsOf(m oauth.Metadata) (d metadataDocuments, err error) {
	for into, metadata := range map[**document]oauth.Metadata{&d.openID: m.ForOpenID(), &d.oauth: m} {
		body, err := metadata.Document()
		if err != nil {
			return d, err
		}
		*into = newDocument(body, metadataCacheControl)
	}
	return d, nil
}

var anyOrigin = []string{"*"}

func newDocument(body []byte, cacheControl string) *document {
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"` // strong: RFC 9110 §8.8.1
	return &document{
		body:         body,
		etag:         etag,
		cacheControl: []string{cacheControl},
		contentType:  []string{"application/json"},
		tag:          []string{etag},
		length:       []string{strconv.Itoa(len(body))},
	}
}

// serveDocument sends a document that everybody may read, scripts of other
// origins too: there is nothing of anybody in it.
func (s *site) serveDocument(v *visit, d *document) {
	h := v.Header()
	s.guard(h)
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Cache-Control"] = d.cacheControl
	h["Etag"] = d.tag
	if matches(v.r.Header["If-None-Match"], d.etag) {
		v.WriteHeader(http.StatusNotModified) // RFC 9110 §15.4.5
		return
	}
	h["Content-Type"] = d.contentType
	h["Content-Length"] = d.length
	v.WriteHeader(http.StatusOK)
	_, _ = v.Write(d.body) // a client that has gone is no fault of ours
}

// matches: RFC 9110 §13.1.2, a list of tags or a star, compared weakly.
func matches(ifNoneMatch []string, etag string) bool {
	for _, value := range ifNoneMatch {
		for tag := range strings.SplitSeq(value, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
