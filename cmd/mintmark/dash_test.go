package main

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"
)

// An identifier is base64url, and one in 64 begins with a dash.
func TestAnIdentifierMayBeginWithADash(t *testing.T) {
	parse := func(args ...string) *kong.Context {
		t.Helper()
		chosen, err := newParser(&globalFlags{}, args).Parse(shield(args))
		if err != nil {
			t.Fatal(err)
		}
		unshield(chosen)
		return chosen
	}
	ids, ok := parse("revoke", "consent", "-5JBKOAJT8xlhp87FGbX-g", "shop", "--reason", "-left").Selected().Target.Interface().(revokeCommand)
	if !ok || !slices.Equal(ids.IDs, []string{"-5JBKOAJT8xlhp87FGbX-g", "shop"}) || ids.Reason != "-left" {
		t.Errorf("%+v", ids)
	}
	list, ok := parse("grant", "list", "--user", "-5JBKOAJT8xlhp87FGbX-g").Selected().Target.Interface().(grantList)
	if !ok || list.User != "-5JBKOAJT8xlhp87FGbX-g" {
		t.Errorf("%+v", list)
	}
}
