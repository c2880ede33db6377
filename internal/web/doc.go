// Package web speaks HTTP and nothing else: it turns requests into typed ones for
// package engine and answers into bytes, one file per endpoint. It decides
// nothing and knows no database.
//
// Every request is a visit: it passes the checks that come before any endpoint
// (method, Host, content type, size), reaches its endpoint, and leaves one line
// in the log. Nothing that a request brought is ever echoed, but for the state
// that a client gets back and the identifier that a user typed.
package web
