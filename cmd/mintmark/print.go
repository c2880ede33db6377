package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// printJSON writes one object on one line.
func (i *invocation) printJSON(v any) error {
	encoder := json.NewEncoder(i.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// aligned writes rows of cells in columns.
func aligned(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	return table.Flush()
}

// printObject prints what the server answered: its JSON, or one aligned line for
// each field, by the same names. Sentences for people follow.
func (i *invocation) printObject(v any, sentences ...string) error {
	if i.json {
		return i.printJSON(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	rows, err := fieldRows(text)
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if err := aligned(i.out, rows); err != nil {
		return err
	}
	for _, sentence := range sentences {
		fmt.Fprintf(i.out, "\n%s\n", sentence)
	}
	return nil
}

// fieldRows takes the fields of an object in their order.
func fieldRows(object []byte) ([][]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	var rows [][]string
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		rows = append(rows, []string{fmt.Sprint(name), forPeople(value)})
	}
	return rows, nil
}

// forPeople writes a value of the API; lists with commas, times in words too.
func forPeople(value any) string {
	switch value := value.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return moment(at)
		}
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return yesNo(value)
	case []any:
		parts := make([]string, len(value))
		for i := range value {
			parts[i] = forPeople(value[i])
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			parts = append(parts, name+" "+forPeople(value[name]))
		}
		return strings.Join(parts, " ")
	}
	return "-"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// printList prints a list as the server sends it: a JSON object a line, or a
// table with a heading.
func printList[T any](i *invocation, items iter.Seq2[T, error], heading string, cells func(T) []string) error {
	rows := [][]string{strings.Fields(heading)}
	for item, err := range items {
		if err != nil {
			return err
		}
		if i.json {
			if err := i.printJSON(item); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, cells(item))
	}
	if i.json {
		return nil
	}
	if len(rows) == 1 {
		_, err := fmt.Fprintln(i.out, "There are none.")
		return err
	}
	return aligned(i.out, rows)
}

// done says in a sentence what was done; JSON is for answers, and there is none.
func (i *invocation) done(sentence string, args ...any) error {
	if i.json {
		return nil
	}
	_, err := fmt.Fprintf(i.out, sentence+"\n", args...)
	return err
}
