package main

import (
	"testing"

	"github.com/mintmark-id/mintmark/admin"
)

// histogramOf makes the samples of a histogram with two bounds.
func histogramOf(route string, upTo5ms, upTo1s, all float64) []admin.Sample {
	bucket := func(le string, n float64) admin.Sample {
		return admin.Sample{Name: "h_bucket", Labels: map[string]string{"route": route, "le": le}, Value: n}
	}
	return []admin.Sample{
		bucket("1", upTo1s), bucket("0.005", upTo5ms), bucket("+Inf", all),
		{Name: "h_count", Labels: map[string]string{"route": route}, Value: all},
		{Name: "h_sum", Labels: map[string]string{"route": route}, Value: all * 2},
	}
}

func TestRatesAndTimesAreOfWhatCameBetween(t *testing.T) {
	s := span{
		before:  scrape{append(histogramOf("/a", 1000, 1000, 1000), histogramOf("/b", 0, 0, 0)...)},
		now:     scrape{append(histogramOf("/a", 1090, 1099, 1100), histogramOf("/b", 0, 0, 0)...)},
		seconds: 2,
	}
	a, b := map[string]string{"route": "/a"}, map[string]string{"route": "/b"}
	for what, c := range map[string]struct{ got, want float64 }{
		"rate of /a":                      {s.rate("h_count", a), 50},
		"rate of all":                     {s.rate("h_count", nil), 50},
		"rate of /b":                      {s.rate("h_count", b), 0},
		"mean":                            {s.mean("h"), 2},
		"median":                          {s.quantile(.5, "h", a), 5},
		"99 of 100":                       {s.quantile(.99, "h", a), 1000},
		"beyond the last bound":           {s.quantile(1, "h", a), 1000},
		"median of nothing":               {s.quantile(.5, "h", b), 0},
		"what is not there":               {s.rate("g", nil), 0},
		"the mean of what is not there":   {s.mean("g"), 0},
		"a quantile of what is not there": {s.quantile(.5, "g", nil), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, not %v", what, c.got, c.want)
		}
	}
}
