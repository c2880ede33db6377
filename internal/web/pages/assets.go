package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
)

//go:embed assets
var assetFiles embed.FS

// AssetCacheControl is the Cache-Control of every asset: its path changes with
// its content, so a copy never grows stale.
const AssetCacheControl = "public, max-age=31536000, immutable"

// Asset is one static file, for a handler to serve as it is.
type Asset struct {
	Path        string // below the issuer's own path, named by content hash
	ContentType string
	ETag        string // quoted, strong
	Body        []byte
}

// Places in the list that loadAssets makes.
const (
	stylesheet = iota
	icon
)

// Assets are the files that the pages refer to: the stylesheet and the icon.
func (s *Site) Assets() []Asset { return s.assets }

func loadAssets() ([]Asset, error) {
	files := []struct{ name, ending, contentType string }{
		stylesheet: {"assets/style.css", ".css", "text/css; charset=utf-8"},
		icon:       {"assets/icon.svg", ".svg", "image/svg+xml"},
	}
	assets := make([]Asset, len(files))
	for i, file := range files {
		body, err := assetFiles.ReadFile(file.name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file.name, err)
		}
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:10])
		assets[i] = Asset{
			Path:        "/assets/" + hash + file.ending,
			ContentType: file.contentType,
			ETag:        `"` + hash + `"`,
			Body:        body,
		}
	}
	return assets, nil
}
