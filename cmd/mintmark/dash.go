package main

import (
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// shielded stands before an argument that only looks like a flag. Nobody can type it.
const shielded = "\x00"

// shield keeps identifiers from being taken for flags: one in 64 begins with a
// dash, and no flag with a single dash is longer than -h.
func shield(args []string) []string {
	safe := make([]string, len(args))
	for i, arg := range args {
		if safe[i] = arg; len(arg) > len("-h") && arg[0] == '-' && arg[1] != '-' {
			safe[i] = shielded + arg
		}
	}
	return safe
}

// unshield gives the chosen command its arguments as they were typed.
func unshield(chosen *kong.Context) {
	if chosen.Selected() == nil {
		return
	}
	values := chosen.Selected().Positional
	for _, flag := range chosen.Flags() {
		values = append(values, flag.Value)
	}
	for _, value := range values {
		unshieldText(value.Target)
	}
}

func unshieldText(target reflect.Value) {
	switch target.Kind() {
	case reflect.String:
		target.SetString(strings.TrimPrefix(target.String(), shielded))
	case reflect.Pointer:
		if !target.IsNil() {
			unshieldText(target.Elem())
		}
	case reflect.Slice:
		for i := range target.Len() {
			unshieldText(target.Index(i))
		}
	}
}
