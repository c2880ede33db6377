package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// hops is what proxies say about a request.
type hops struct {
	clients []string // the farthest first
	host    string
	scheme  string
}

// forwarded reads what proxies wrote: X-Forwarded-For, -Host and -Proto, or
// Forwarded (RFC 7239). A proxy writes one kind and lets the other pass as the
// client sent it; where both are there, neither is believed.
func forwarded(h http.Header) hops {
	standard := list(h["Forwarded"])
	legacy := hops{
		clients: list(h["X-Forwarded-For"]),
		host:    last(list(h["X-Forwarded-Host"])),
		scheme:  strings.ToLower(last(list(h["X-Forwarded-Proto"]))),
	}
	hasLegacy := len(legacy.clients) > 0 || legacy.host != "" || legacy.scheme != ""
	switch {
	case len(standard) > 0 && hasLegacy:
		return hops{}
	case hasLegacy:
		return legacy
	}
	var f hops
	for _, element := range standard {
		f.clients = append(f.clients, parameterOf(element, "for"))
		f.host = parameterOf(element, "host") // of the nearest proxy
		f.scheme = strings.ToLower(parameterOf(element, "proto"))
	}
	return f
}

// list splits the values of a header field at its commas, in order.
func list(values []string) []string {
	var elements []string
	for _, value := range values {
		for element := range strings.SplitSeq(value, ",") {
			if element = strings.TrimSpace(element); element != "" {
				elements = append(elements, element)
			}
		}
	}
	return elements
}

func last(elements []string) string {
	if len(elements) == 0 {
		return ""
	}
	return elements[len(elements)-1]
}

// parameterOf reads one parameter of an element of Forwarded. RFC 7239 §4. What
// we look for has neither commas nor semicolons nor escapes inside its quotes;
// a value that has is not understood, which is safe.
func parameterOf(element, name string) string {
	for pair := range strings.SplitSeq(element, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(key, name) {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// parseNode reads an address with or without a port. RFC 7239 §6.
func parseNode(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return addr.Unmap(), err == nil
}
