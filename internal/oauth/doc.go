// Package oauth is the vocabulary of the protocol: parameter names, strict request parsing, the error type with its one
// table of reasons, redirect URIs that carry the proof of having been registered, and the metadata documents.
//
// It is pure: it reads no clock, no file and no network. Syntax is judged here, meaning in package decide.
package oauth
