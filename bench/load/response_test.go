package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAnswersAreReadWhateverThePiecesTheyArriveIn(t *testing.T) {
	large := strings.Repeat("x", 40_000)
	tests := []struct {
		name, wire string
		want       Response
	}{
		{"body", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Response{Status: 200, Body: []byte("hi")}},
		{"any case of a field name (RFC 9110 §5.1)", "HTTP/1.1 200 OK\r\ncONTENT-lENGTH:2\t\r\n\r\nhi", Response{Status: 200, Body: []byte("hi")}},
		{"no reason phrase (RFC 9112 §4)", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Response{Status: 200}},
		{"the same length twice (RFC 9112 §6.3)", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", Response{Status: 200, Body: []byte("a")}},
		{"redirect", "HTTP/1.1 303 See Other\r\nLocation: https://a/cb?code=1\r\nContent-Length: 0\r\n\r\n", Response{Status: 303, Location: []byte("https://a/cb?code=1")}},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", Response{Status: 204}},
		{"not modified keeps the length of what it does not send (RFC 9110 §8.6)", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Response{Status: 304}},
		{"larger than the first buffer", "HTTP/1.1 200 OK\r\nLocation: /x\r\nContent-Length: 40000\r\n\r\n" + large, Response{Status: 200, Location: []byte("/x"), Body: []byte(large)}},
	}
	sources := map[string]func(io.Reader) io.Reader{
		"whole":       func(r io.Reader) io.Reader { return r },
		"single byte": iotest.OneByteReader,
		"half":        iotest.HalfReader,
		"with EOF":    iotest.DataErrReader,
	}
	for _, tt := range tests {
		for pieces, source := range sources {
			t.Run(tt.name+", "+pieces, func(t *testing.T) {
				got, err := newResponseReader(source(strings.NewReader(tt.wire))).read()
				if err != nil {
					t.Fatal(err)
				}
				if got.Status != tt.want.Status || !bytes.Equal(got.Location, tt.want.Location) || !bytes.Equal(got.Body, tt.want.Body) {
					t.Errorf("got %d %q and %d bytes of body", got.Status, got.Location, len(got.Body))
				}
			})
		}
	}
}

func TestOneAnswerFollowsAnotherOnTheSameConnection(t *testing.T) {
	var wires []io.Reader
	for _, wire := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst",
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthird",
	} {
		wires = append(wires, strings.NewReader(wire))
	}
	reader := newResponseReader(io.MultiReader(wires...))
	for _, want := range []string{"200 first", "400 ", "200 third"} {
		got, err := reader.read()
		if err != nil {
			t.Fatal(err)
		}
		if seen := fmt.Sprintf("%d %s", got.Status, got.Body); seen != want {
			t.Errorf("got %q, want %q", seen, want)
		}
	}
}

func TestWhatTheReaderDoesNotUnderstandItRefuses(t *testing.T) {
	tests := []struct {
		name, wire string
		want       error // nil: any
	}{
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errChunked},
		{"no length", "HTTP/1.1 200 OK\r\n\r\nhi", errNoLength},
		{"connection ends", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", errClosing},
		{"more than one answer", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", errLeftover},
		{"cut in the head", "HTTP/1.1 200 OK\r\nContent-", io.ErrUnexpectedEOF},
		{"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", io.ErrUnexpectedEOF},
		{"too long a body", "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", errTooLarge},
		{"too long a head", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 4<<20), errTooLarge},
		{"nothing", "", io.ErrUnexpectedEOF},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", nil},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", nil},
		{"signed length", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", nil},
		{"interim answer", "HTTP/1.1 100 Continue\r\n\r\n", nil},
		{"other version", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", nil},
		{"not a status", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", nil},
		{"a line that is no field", "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newResponseReader(strings.NewReader(tt.wire)).read()
			if err == nil {
				t.Fatalf("read %+v", got)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
