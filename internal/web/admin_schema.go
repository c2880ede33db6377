package web

import (
	"reflect"
	"strings"
	"time"
)

// schemas are JSON Schemas of types, by their names.
type schemas map[string]any

// add gives the schema of a value's type; that of a struct is kept and named.
func (s schemas) add(value any) map[string]any { return s.of(reflect.TypeOf(value)) }

func (s schemas) of(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Struct:
		return s.object(t)
	}
	return map[string]any{} // anything: a JSON value as it is
}

func (s schemas) object(t reflect.Type) map[string]any {
	if t == reflect.TypeFor[time.Time]() {
		return map[string]any{"type": "string", "format": "date-time"}
	}
	if _, made := s[t.Name()]; !made {
		s[t.Name()] = nil // for a type that has itself in it
		properties, required := map[string]any{}, []any{}
		s.fields(t, properties, &required)
		schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
		if len(required) > 0 {
			schema["required"] = required
		}
		s[t.Name()] = schema
	}
	return map[string]any{"$ref": "#/components/schemas/" + t.Name()}
}

// fields lists those of a struct, with those that are embedded.
func (s schemas) fields(t reflect.Type, properties map[string]any, required *[]any) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			s.fields(field.Type, properties, required)
			continue
		}
		if !field.IsExported() || name == "" || name == "-" {
			continue
		}
		properties[name] = s.of(field.Type)
		if !strings.Contains(options, "omit") && field.Type.Kind() != reflect.Pointer {
			*required = append(*required, name)
		}
	}
}
