// Package demo is a small web application with a server side, and an API that it
// calls, to be seen beside a running Mintmark. Both know of the server only what
// is on the wire, and do what the standards ask of them: a reader may take them
// for an example.
//
// The application shows its visitor every step: what went where, what was checked,
// and what the tokens say. That is all that sets it apart from a real one, which
// keeps its tokens to itself.
package demo
