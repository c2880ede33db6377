// Package config makes one checked struct of flags, environment, a TOML file and
// defaults, the first of them that has a setting winning. It collects every
// problem there is before it gives up, each with the setting, where it came from
// and what to do. It reads files and starts nothing.
package config
