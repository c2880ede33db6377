package admin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Sample is one figure of a server: docs/reference/metrics.md lists them.
type Sample struct {
	Name   string // with _bucket, _sum or _count where it is part of a histogram
	Labels map[string]string
	Value  float64
}

// Metrics reads what the server counts.
func (c *Client) Metrics(ctx context.Context) ([]Sample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	response, err := c.do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return readSamples(response.Body)
}

// readSamples reads Prometheus' text format, as far as a server of ours uses it:
// no label has a quote or a comma in it.
func readSamples(from io.Reader) ([]Sample, error) {
	var samples []Sample
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("reading the figures: %q is none", line)
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("reading the figures: %w", err)
		}
		name, rest, _ := strings.Cut(line[:at], "{")
		sample := Sample{Name: name, Labels: map[string]string{}, Value: value}
		for pair := range strings.SplitSeq(strings.TrimSuffix(rest, "}"), ",") {
			if label, quoted, ok := strings.Cut(pair, "="); ok {
				sample.Labels[label] = strings.Trim(quoted, `"`)
			}
		}
		samples = append(samples, sample)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the figures: %w", err)
	}
	return samples, nil
}
