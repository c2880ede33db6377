package secret

import "testing"

func BenchmarkDerive(b *testing.B) {
	roots := testRoots(b)
	gid := Seed{1}.ID("gid")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := roots.Derive(gid, 7); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	roots := testRoots(b)
	token, err := roots.Derive(Seed{1}.ID("gid"), 7)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := roots.Open(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeedID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Seed{1}.ID("gid")
	}
}

func BenchmarkPasswordPolicy(b *testing.B) {
	policy, _ := PasswordPolicyNamed("default")
	for b.Loop() {
		if err := policy.Check("correct horse battery", []string{"alice@example.com"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHashPassword(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		HashPassword("correct horse battery", [16]byte{1})
	}
}

func testRoots(tb testing.TB) *Roots {
	tb.Helper()
	roots, err := NewRoots([]Root{{KeyID: 1, Key: [32]byte{1}}, {KeyID: 9, Key: [32]byte{9}}, {KeyID: 2, Key: [32]byte{2}}})
	if err != nil {
		tb.Fatal(err)
	}
	return roots
}
