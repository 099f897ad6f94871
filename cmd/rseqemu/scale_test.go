package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestADamagedResultIsNoticed: with any byte changed, or cut short anywhere, it is
// refused.
func TestADamagedResultIsNoticed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	var out, errOut bytes.Buffer
	if code := run([]string{"check", list, "--kernels", "6.18", "--result", file}, nil, &out, &errOut); code != exitHolds {
		t.Fatalf("exit code %d: %s", code, &errOut)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{}
	if _, err := a.result(file); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		b, at := bytes.Clone(whole), rnd.IntN(len(whole))
		if rnd.IntN(2) == 0 {
			b = b[:at]
		} else {
			b[at] = 'a' + (b[at]+byte(1+rnd.IntN(20)))%26
		}
		if bytes.Equal(b, whole) {
			continue
		}
		os.WriteFile(file, b, 0o666)
		if r, err := a.result(file); err == nil {
			t.Errorf("at %d it is taken: %q is now %q (%+v)", at, whole[max(at-20, 0):at+20], b[max(at-20, 0):min(at+20, len(b))], r.Shard)
		}
	}
}
