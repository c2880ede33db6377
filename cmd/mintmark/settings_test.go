package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/web"
)

// The setting offers the languages that the pages have, and starts with the same.
func TestTheLanguagesOfTheSettingAreThoseOfThePages(t *testing.T) {
	for _, s := range config.Settings() {
		if s.Name == "language" && (s.Takes != strings.Join(web.Languages(), ", ") || s.Default != web.Languages()[0]) {
			t.Errorf("the setting takes %s and starts with %s; the pages have %v", s.Takes, s.Default, web.Languages())
		}
	}
}

// The same names as flags, variables and in the file: architecture.md, part 12.
func TestEverySettingIsAFlagOfTheCommandsThatNeedAll(t *testing.T) {
	for _, command := range [][]string{{"serve"}, {"config", "check"}, {"migrate", "status"}, {"migrate", "up"}} {
		for _, name := range config.Names() {
			flag := "--" + config.Flag(name) + "=true"
			args := append(slices.Clone(command), flag)
			chosen, err := newParser(&globalFlags{}, args).Parse(args)
			if err != nil {
				t.Errorf("%v %s: %v", command, flag, err)
				continue
			}
			if got := settingFlags(chosen); len(got) != 1 || !slices.Equal(got[name], []string{"true"}) {
				t.Errorf("%v %s is read as %v", command, flag, got)
			}
		}
	}
}

func TestListsAsFlagsRepeatOrTakeCommas(t *testing.T) {
	args := []string{"serve", "--trusted-proxy", "10.0.0.0/8,10.1.0.1", "--data=d", "--trusted-proxy=fd00::/8"}
	chosen, err := newParser(&globalFlags{}, args).Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	got := settingFlags(chosen)
	if want := []string{"10.0.0.0/8", "10.1.0.1", "fd00::/8"}; !slices.Equal(got["trusted_proxy"], want) || got["data"][0] != "d" {
		t.Errorf("%v", got)
	}
}
