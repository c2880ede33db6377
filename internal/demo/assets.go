package demo

import (
	"embed"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed assets templates
var files embed.FS

// parsePages reads the templates, by their pages' names.
func parsePages() map[string]*template.Template {
	names := []string{"welcome", "you", "tokens", "api", "refresh", "browsers", "leave", "signedout", "failure"}
	pages := make(map[string]*template.Template, len(names))
	for _, name := range names {
		pages[name] = template.Must(template.New(name).Funcs(template.FuncMap{
			"next":   next,
			"status": status,
			"plus":   func(a, b int) int { return a + b },
		}).ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+name+".html"))
	}
	return pages
}

// next is the step after the one with a path; nil after the last.
func next(path string) *step {
	steps := tour()
	for i := range steps[:len(steps)-1] {
		if steps[i].Path == path {
			return &steps[i+1]
		}
	}
	return nil
}

// status is an HTTP status in words.
func status(code int) string { return strconv.Itoa(code) + " " + http.StatusText(code) }

// asset serves a file that is part of the program.
func asset(name, contentType string) http.HandlerFunc {
	body, err := files.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // the name above is wrong
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // a browser that has gone is no fault of ours
	}
}
