//go:build !linux

package store

import "syscall"

// endSilence is for Linux. Elsewhere a machine that is gone is noticed by deadlines.
func endSilence(string, string, syscall.RawConn) error { return nil }
