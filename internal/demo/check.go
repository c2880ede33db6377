package demo

import "slices"

// Check is one rule that something was held to.
type Check struct {
	Rule  string
	Found string
	OK    bool
}

// checks is what was looked at, in order. Whoever checks stops at the first rule
// that does not hold.
type checks []Check

// hold notes a rule and reports whether it holds.
func (c *checks) hold(ok bool, rule, found string) bool {
	*c = append(*c, Check{Rule: rule, Found: found, OK: ok})
	return ok
}

func (c checks) allHold() bool {
	return !slices.ContainsFunc(c, func(check Check) bool { return !check.OK })
}
