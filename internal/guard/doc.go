// Package guard answers a proxy that asks whether a request may pass: it is the
// verifier as a sidecar, for APIs in languages that have none. It speaks nginx's
// auth_request, Traefik's forwardAuth and Envoy's ext_authz over HTTP.
package guard
