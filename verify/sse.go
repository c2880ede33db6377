package verify

import (
	"bufio"
	"io"
	"strings"
)

// maxEvent bounds one event, and so what a hostile feed can make us hold.
const maxEvent = 8 << 20

// event is one server-sent event.
type event struct{ name, data string }

// events reads server-sent events (WHATWG HTML §9.2.6). Ids and retry times are
// not needed here: the cursor comes from what was applied.
type events struct {
	in      *bufio.Reader
	afterCR bool // a LF that comes next belongs to the line before
}

func newEvents(body io.Reader) *events {
	in := bufio.NewReaderSize(body, 16<<10)
	if bom, err := in.Peek(3); err == nil && string(bom) == "\ufeff" {
		_, _ = in.Discard(3)
	}
	return &events{in: in}
}

// next returns the next event that has data. An event that the connection ends
// in the middle of is no event.
func (s *events) next() (event, error) {
	var e event
	var data strings.Builder
	for size, lines := 0, 0; ; {
		line, err := s.line(maxEvent - size)
		if err != nil {
			return event{}, err
		}
		size += len(line) + 1
		if line == "" {
			if lines == 0 {
				e, size = event{}, 0
				continue
			}
			e.data = data.String()
			return e, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.name = value
		case "data":
			if lines > 0 {
				data.WriteByte('\n')
			}
			data.WriteString(value)
			lines++
		}
	}
}

// line reads up to LF, CRLF or CR.
func (s *events) line(most int) (string, error) {
	var line []byte
	for {
		b, err := s.in.ReadByte()
		if err != nil {
			return "", err
		}
		skip := b == '\n' && s.afterCR
		s.afterCR = b == '\r'
		if skip {
			continue
		}
		if b == '\n' || b == '\r' {
			return string(line), nil
		}
		if len(line) >= most {
			return "", fault("an event is too long")
		}
		line = append(line, b)
	}
}
