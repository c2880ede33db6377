// Package admin is the typed client of Mintmark's administration API, and the
// types that travel on it.
//
// A running server listens on a Unix socket, admin.sock in its data directory;
// whoever may open that file is an administrator: Dial. Where its operator has given
// it an administration listener (the setting admin_listen) it is reached from
// elsewhere too, with an admin token that has the scopes for what is to be done: New.
// The API is JSON over HTTP below /admin/v1.
//
// Client metadata have the names of RFC 7591, times are RFC 3339 in UTC,
// lifetimes are seconds. A request with an unknown field is refused. A refusal is
// a *Problem (RFC 9457), which lists everything that is wrong at once; a server
// that does not answer is ErrNotReached.
//
// Whoever does not hear the answer of an act that makes something asks again with the
// same key, and gets it: Once.
//
// Updates replace: read the object, change it, send it back. The version that
// was read goes along, so that nobody's change is lost unseen.
package admin
