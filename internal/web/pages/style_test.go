package pages

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// palette reads the colours of one :root block.
func palette(t *testing.T, block string) map[string]float64 {
	t.Helper()
	colours := map[string]float64{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(block, -1) {
		rgb, err := strconv.ParseUint(m[2], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		colours[m[1]] = luminance(rgb)
	}
	return colours
}

// luminance is the relative luminance of WCAG 2.
func luminance(rgb uint64) float64 {
	channel := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(rgb>>16) + 0.7152*channel(rgb>>8) + 0.0722*channel(rgb)
}

func TestColoursContrastAsWCAGAsks(t *testing.T) {
	sheet, err := assetFiles.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(sheet), ":root {")
	if len(blocks) < 3 {
		t.Fatal("no light and dark palette")
	}
	pairs := []struct {
		front, back string
		least       float64 // WCAG 2.2 SC 1.4.3 for text, SC 1.4.11 for edges
	}{
		{"ink", "ground", 4.5},
		{"ink", "paper", 4.5},
		{"ink", "mint-wash", 4.5},
		{"quiet", "ground", 4.5},
		{"quiet", "paper", 4.5},
		{"mint", "paper", 4.5},
		{"mint", "ground", 4.5},
		{"mint", "mint-wash", 4.5},
		{"mint-deep", "paper", 4.5},
		{"on-mint", "mint", 4.5},
		{"on-mint", "mint-deep", 4.5},
		{"alarm", "paper", 4.5},
		{"alarm", "alarm-wash", 4.5},
		{"caution", "caution-wash", 4.5},
		{"edge", "paper", 3},
	}
	for i, scheme := range []string{"light", "dark"} {
		block, _, _ := strings.Cut(blocks[i+1], "}")
		colours := palette(t, block)
		for _, p := range pairs {
			front, ok1 := colours[p.front]
			back, ok2 := colours[p.back]
			ratio := (max(front, back) + 0.05) / (min(front, back) + 0.05)
			if !ok1 || !ok2 || ratio < p.least {
				t.Errorf("%s: %s on %s is %.2f, wants %.1f", scheme, p.front, p.back, ratio, p.least)
			}
		}
	}
}

func TestTheStylesheetLoadsNothing(t *testing.T) {
	sheet, err := assetFiles.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:url\(|@import)[^)]{0,20}`).FindAllString(string(sheet), -1) {
		if !strings.HasPrefix(m, `url("data:image/svg`) {
			t.Errorf("loads %s", m)
		}
	}
}
