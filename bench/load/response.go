package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Response is what a check sees of an answer. Its slices are valid until the next request of the same connection.
type Response struct {
	Status   int
	Location []byte // empty if there is none
	Body     []byte
	// RetryAfter says that the answer has a header of that name.
	RetryAfter bool
}

// largestAnswer bounds one answer, head and body, in bytes.
const largestAnswer = 1 << 20

var (
	errChunked  = errors.New("the answer is chunked: state its Content-Length")
	errNoLength = errors.New("the answer has no Content-Length")
	errClosing  = errors.New("the server closes the connection after its answer")
	errLeftover = errors.New("bytes follow the answer that nobody asked for")
	errTooLarge = errors.New("the answer is too large")
)

// responseReader reads one HTTP/1.1 answer after another from a kept-alive connection into one buffer that it reuses.
// It understands exactly what the benchmark needs and refuses the rest by name, so that nothing is measured by mistake.
type responseReader struct {
	source io.Reader
	buffer []byte
	filled int
}

func newResponseReader(source io.Reader) *responseReader {
	return &responseReader{source: source, buffer: make([]byte, 16<<10)}
}

// read returns the next answer. Nothing may follow it: the connection asks one thing at a time.
func (r *responseReader) read() (Response, error) {
	r.filled = 0
	head, err := r.fillHead()
	if err != nil {
		return Response{}, err
	}
	response, length, err := parseHead(r.buffer[:head])
	if err != nil {
		return Response{}, err
	}
	if length > largestAnswer {
		return Response{}, errTooLarge
	}
	for r.filled < head+length {
		if err := r.fill(); err != nil {
			return Response{}, err
		}
	}
	if r.filled > head+length {
		return Response{}, errLeftover
	}
	response.Body = r.buffer[head : head+length]
	return response, nil
}

// fillHead reads until the empty line and returns the length of the head with it.
func (r *responseReader) fillHead() (int, error) {
	searched := 0
	for {
		if end := bytes.Index(r.buffer[searched:r.filled], []byte("\r\n\r\n")); end >= 0 {
			return searched + end + 4, nil
		}
		searched = max(0, r.filled-3)
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads once more, into a larger buffer where the present one is full. The head that was parsed stays valid: its
// slices point into the old buffer, which nobody overwrites any more.
func (r *responseReader) fill() error {
	if r.filled == len(r.buffer) {
		if len(r.buffer) >= 2*largestAnswer {
			return errTooLarge
		}
		r.buffer = append(r.buffer, make([]byte, len(r.buffer))...)
	}
	n, err := r.source.Read(r.buffer[r.filled:])
	r.filled += n
	if n > 0 {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseHead reads a status line and the few header fields that decide where the answer ends, and Location.
func parseHead(head []byte) (Response, int, error) {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	// RFC 9112 §4: status-line = HTTP-version SP status-code SP [ reason-phrase ]
	if len(line) < 13 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) || line[12] != ' ' {
		return Response{}, 0, fmt.Errorf("status line %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil || status < 200 {
		return Response{}, 0, fmt.Errorf("status line %q", line)
	}
	response, length := Response{Status: status}, -1
	for len(rest) > 2 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			return Response{}, 0, fmt.Errorf("header line %q", line)
		}
		value = bytes.Trim(value, " \t")
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = contentLength(value, length); err != nil {
				return Response{}, 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return Response{}, 0, errChunked
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			return Response{}, 0, errClosing
		case bytes.EqualFold(name, []byte("Location")):
			response.Location = value
		case bytes.EqualFold(name, []byte("Retry-After")):
			response.RetryAfter = len(value) > 0
		}
	}
	// RFC 9112 §6.3: 204 and 304 have no body, whatever their header says.
	if status == 204 || status == 304 {
		return response, 0, nil
	}
	if length < 0 {
		return Response{}, 0, errNoLength
	}
	return response, length, nil
}

// contentLength reads a Content-Length; before is what an earlier field said, or -1.
func contentLength(value []byte, before int) (int, error) {
	length, err := strconv.ParseUint(string(value), 10, 31)
	if err != nil || before >= 0 && before != int(length) {
		return 0, fmt.Errorf("Content-Length %q", value)
	}
	return int(length), nil
}
