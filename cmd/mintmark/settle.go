package main

import (
	"runtime/debug"
	"time"
)

// settling is when starting is over, and what only it needed can go back: heap, and
// pages of the program itself.
const settling = time.Second

// settle gives memory back to the system. What is missed later comes again by itself.
func settle() {
	debug.FreeOSMemory()
	forgetProgram()
}
