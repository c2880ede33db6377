// Package apply brings a server to what a file declares: resources, clients and
// users, by the names of the administration API. It reads the whole file, has the
// server try everything without a change, and only then changes what differs. What
// the file does not name is left alone.
package apply
