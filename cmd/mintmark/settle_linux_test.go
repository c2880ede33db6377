package main

import (
	"os"
	"testing"
)

// Only what cannot have been written to may be forgotten.
func TestWhatIsForgottenWasReadOnly(t *testing.T) {
	for line, want := range map[string][2]uintptr{
		"00400000-00fff000 r-xp 00000000 fe:00 1077 /srv/mint mark":           {0x400000, 0xfff000},
		"00fff000-01c8a000 r--p 00bff000 fe:00 1077 /srv/mint mark\n":         {0xfff000, 0x1c8a000},
		"01c8a000-01d43000 rw-p 0188a000 fe:00 1077 /srv/mint mark":           {},
		"00400000-00fff000 r-xp 00000000 fe:00 1077 /srv/mint mark (deleted)": {},
		"00400000-00fff000 r-xp 00000000 fe:00 1078 /srv/another":             {},
		"7f56b7000000-7f56b71c0000 rw-p 00000000 00:00 0":                     {},
		"x-00fff000 r-xp 00000000 fe:00 1077 /srv/mint mark":                  {},
		"00fff000-00400000 r-xp 00000000 fe:00 1077 /srv/mint mark":           {},
		"": {},
	} {
		from, to, ok := readOnly(line, "/srv/mint mark")
		if ok != (want != [2]uintptr{}) || ok && [2]uintptr{from, to} != want {
			t.Errorf("%q: %x to %x, %v", line, from, to, ok)
		}
	}
}

// A program that has forgotten itself goes on.
func TestAProgramThatForgetsItselfGoesOn(t *testing.T) {
	settle()
	if _, err := os.Executable(); err != nil {
		t.Fatal(err)
	}
	forgetProgram()
}
