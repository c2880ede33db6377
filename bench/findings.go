package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"
)

// finding is a figure that has a bound of its own instead of a floor. Without a bound it is there to be read beside
// others, and kept.
type finding struct {
	name, title     string
	measured, bound string
	kept            bool
}

// experiment measures one or more findings.
type experiment struct {
	name     string
	run      func(context.Context, *bench) ([]finding, error)
	anywhere bool // it is measured on PostgreSQL too
}

func experiments() []experiment {
	return []experiment{
		{"sign-in", measureSignIn, true},
		{"start", measureStart, false},
		{"memory", measureMemory, false},
		{"binary", measureBinary, false},
		{"tokens", measureTokens, false},
		{"growth", measureGrowth, false},
		{"mixed", measureMixed, true},
		{"authorize", measureAuthorize, true},
		{"registration", measureRegistration, false},
		{"jwks-uri", measureKeySets, false},
		{"check", measureCheck, false},
		{"table", measureTable, false},
		{"load", measureLoad, false},
		{"revoke", measureRevoke, false},
		{"fleet", measureFleet, false},
		{"guard", measureGuard, false},
		{"crash", measureCrash, false},
		{"overload", measureOverload, true},
		{"population", measurePopulation, true},
	}
}

// atMost compares a number with its bound.
func atMost[T int | int64 | float64](name, title, unit string, measured, bound T) finding {
	return finding{name, title, fmt.Sprintf("%v %s", measured, unit), fmt.Sprintf("%v %s", bound, unit), measured <= bound}
}

// noted is a figure without a bound.
func noted(name, title, measured string) finding {
	return finding{name: name, title: title, measured: measured, kept: true}
}

// megabytes are 10^6 bytes, with one decimal.
func megabytes(n int64) float64 { return float64(n/100_000) / 10 }

// milliseconds have one decimal.
func milliseconds(d time.Duration) float64 { return float64(d/(100*time.Microsecond)) / 10 }

func measureBinary(_ context.Context, b *bench) ([]finding, error) {
	info, err := os.Stat(b.binary)
	if err != nil {
		return nil, fmt.Errorf("looking at the binary: %w", err)
	}
	return []finding{atMost("binary", "binary, stripped", "MB", megabytes(info.Size()), 35)}, nil
}

// measureTokens counts the bytes of two access tokens: the smallest kind and the one with every standard claim.
func measureTokens(ctx context.Context, b *bench) ([]finding, error) {
	service, err := b.tenants.token(ctx, b.tenants.service, url.Values{"grant_type": {"client_credentials"}})
	if err != nil {
		return nil, err
	}
	user, err := b.tenants.grant(ctx, 0, onlineScope)
	if err != nil {
		return nil, err
	}
	return []finding{
		atMost("tokens", "access token, client_credentials", "bytes", len(service.Access), 480),
		atMost("tokens", "access token, user with all standard claims", "bytes", len(user.Access), 700),
	}, nil
}
