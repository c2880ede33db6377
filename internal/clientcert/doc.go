// Package clientcert is the certificate that a client shows on its connection, and
// what can be said of it: its thumbprint, who vouches for it, whom it names. That
// the client holds its key was proven in the TLS handshake, here or at a proxy.
package clientcert
