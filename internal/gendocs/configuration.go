package main

import "github.com/mintmark-id/mintmark/internal/config"

// writeConfiguration lists package config's own table.
func writeConfiguration(w *writer) error {
	w.paragraph("A flag wins over the environment, the environment over the TOML file (`--config FILE` or `MINTMARK_CONFIG`), and the file over the default. " +
		"A dot in a key separates table and key: `lifetimes.access_ttl` is `access_ttl` in `[lifetimes]`. Values are strings; `trusted_proxy` and `trusted_network` may also be lists of them. " +
		"A setting that does not exist is an error. `mintmark config check` prints every setting with where it came from, and everything that is wrong, all at once.")
	w.paragraph("A duration is a number and a unit: `30s`, `15m`, `12h`, `30d`, `1d12h`. Lifetimes are defaults: a client or a resource may have its own, " +
		"and no access or ID token lives longer than 24 hours.")
	w.table("Key", "Flag", "Environment", "Takes", "Default", "What it is")
	for _, s := range config.Settings() {
		flag, key := code("--"+s.Flag), code(s.Name)
		if s.Flag == "" {
			flag, key = "–", "–"
		}
		w.row(key, flag, code(s.Variable), s.Takes, either(s.Default), s.About)
	}
	w.print("\n")
	w.paragraph("What has no flag is a secret: it is taken from the environment alone, since a command line and a file are read by more people.")
	return nil
}
