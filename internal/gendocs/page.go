package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// page is a file of docs/reference.
type page struct {
	name string
	text []byte
}

// chapter is a page to be written: what it is, and what fills it.
type chapter struct {
	name, title, about string
	fill               func(*writer) error
}

// chapters are all pages but the index, in its order.
func chapters(ctx context.Context, root string) []chapter {
	return []chapter{
		{"configuration.md", "Settings", "Every setting of the server: flag, environment variable, key in the file, default and bounds.", writeConfiguration},
		{"cli.md", "Command line", "Every command with its flags, as `--help` prints it.", func(w *writer) error { return writeCLI(ctx, w, root) }},
		{"http.md", "HTTP endpoints", "Every route of the public server and of the administration.", writeHTTP},
		{"errors.md", "Errors", "Every reason for which a request is refused, with what goes on the wire and the rule behind it.", writeErrors},
		{"metrics.md", "Metrics", "Every figure that a server counts.", writeMetrics},
		{"client-metadata.md", "Client metadata", "Every field that a client may say of itself when it registers, and what becomes of it.", writeClientMetadata},
		{"claims.md", "Claims", "Everything that an ID token, an access token and userinfo say, and what it means.", writeClaims},
		{"audit-events.md", "Audit events", "Every word in the audit trail's column `event`, and when it is written.", func(w *writer) error { return writeAudit(w, root) }},
		{"schema.md", "Database schema", "Tables, columns and indexes.", func(w *writer) error { return writeSchema(w, root) }},
	}
}

// render makes all pages, the index among them.
func render(ctx context.Context, root string) ([]page, error) {
	var index writer
	index.heading(1, "Reference")
	index.print(written, "\n")
	index.paragraph("Read from the code and compared with it by a test. Explanations are elsewhere: [tokens](../tokens.md), " +
		"[operations](../operations.md), [threat model](../threat-model.md), [architecture](../architecture.md).")
	var pages []page
	index.table("Page", "What is in it")
	for _, c := range chapters(ctx, root) {
		var w writer
		w.heading(1, c.title)
		w.print(written, "\n")
		w.paragraph(c.about)
		if err := c.fill(&w); err != nil {
			return nil, fmt.Errorf("writing %s: %w", c.name, err)
		}
		pages = append(pages, w.page(c.name))
		index.row("["+c.title+"]("+c.name+")", c.about)
	}
	index.row("[The revocation feed]("+feedPage+")", "How verifiers read what was taken back: the wire, enough to write one. Written by hand.")
	return append(pages, index.page("README.md")), nil
}

// feedPage is a specification, so the code follows it and not the other way round.
const feedPage = "revocation-feed.md"

const written = "<!-- Written by go generate ./...: change the code that this is read from. -->\n"

// writer writes Markdown.
type writer struct{ text bytes.Buffer }

func (w *writer) print(parts ...string) {
	for _, part := range parts {
		w.text.WriteString(part)
	}
}

// heading has one empty line before it, whatever stands there.
func (w *writer) heading(level int, text string) {
	if before := len(bytes.TrimRight(w.text.Bytes(), "\n")); before > 0 {
		w.text.Truncate(before)
		w.print("\n\n")
	}
	w.print(strings.Repeat("#", level), " ", text, "\n\n")
}

func (w *writer) paragraph(text string) { w.print(text, "\n\n") }

// table begins a table; its rows follow.
func (w *writer) table(columns ...string) {
	w.row(columns...)
	w.print(strings.Repeat("|---", len(columns)), "|\n")
}

func (w *writer) row(cells ...string) {
	for _, cell := range cells {
		w.print("| ", strings.ReplaceAll(cell, "|", `\|`), " ")
	}
	w.print("|\n")
}

// block is text to be shown as it is.
func (w *writer) block(text string) { w.print("```\n", strings.TrimSpace(text), "\n```\n") }

// page ends in exactly one line end.
func (w *writer) page(name string) page {
	return page{name: name, text: append(bytes.TrimRight(w.text.Bytes(), "\n"), '\n')}
}

// code is a word of the machine; nothing stays nothing.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// either puts a dash where there is nothing to say.
func either(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
