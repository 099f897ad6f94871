package debian

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

// shown is of the form that apt-cache show has, newest version of a package
// first.
const shown = `Package: linux-image-5.10.0-32-cloud-amd64-unsigned
Source: linux
Version: 5.10.223-1
Installed-Size: 128371
Description: Linux 5.10 for x86-64 cloud (unsigned)
 The Linux kernel.
 Version: 9.9.9-1
Size: 20768532

Package: linux-image-5.10.0-32-cloud-amd64
Version: 5.10.223-1
Size: 21032620

Package: linux-image-6.19.14+deb13-cloud-amd64
Version: 6.19.14-1~bpo13+1
Size: 1924

Package: linux-binary-6.19.14+deb13-cloud-amd64
Version: 6.19.14-1~bpo13+1
Size: 13030208

Package: linux-binary-6.19.6+deb13-cloud-amd64
Version: 6.19.6-2~bpo13+1
Size: 13018424

Package: linux-binary-7.3-cloud-amd64
Version: 7.3~rc4-1~exp1
Size: 13018424

Package: linux-image-6.12-cloud-amd64
Version: 6.12-1
Size: 13018424
`

func TestChoose(t *testing.T) {
	packs := parsePacks([]byte(shown))
	for _, c := range []struct{ release, want string }{
		{"5.10", "linux-image-5.10.0-32-cloud-amd64-unsigned 5.10.223-1"},
		{"5.10.223", "linux-image-5.10.0-32-cloud-amd64-unsigned 5.10.223-1"},
		{"6.19", "linux-binary-6.19.14+deb13-cloud-amd64 6.19.14-1~bpo13+1"},
		{"6.19.6", "linux-binary-6.19.6+deb13-cloud-amd64 6.19.6-2~bpo13+1"},
		{"6.12.0", "linux-image-6.12-cloud-amd64 6.12-1"},
		{"5.10.0", ""}, {"6.1", ""}, {"7.3", ""}, {"9.9", ""},
	} {
		want, err := ParseRelease(c.release)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := choose(packs, want)
		if got := strings.TrimSpace(p.name + " " + p.version); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, want %q", c.release, got, c.want)
		}
	}
	if got, want := releases(packs), "5.10.223, 6.12.0, 6.19.6, 6.19.14"; got != want {
		t.Errorf("releases %s, want %s", got, want)
	}
	if packs := parsePacks(nil); packs != nil {
		t.Error(packs)
	}
}

func TestParseRelease(t *testing.T) {
	for _, good := range []string{"4.18", "5.10", "6.12.107", "7.3.0"} {
		if r, err := ParseRelease(good); err != nil || r.String() != good {
			t.Errorf("%s: %v, %v", good, r, err)
		}
	}
	for _, bad := range []string{"", "6", "6.", "6.x", "6.12.", "6.12.1.1", "6.12-rc1", "v6.12", "6.12 ", "4.17.99", "3.2", "6.99999999999999999999", "../6.1"} {
		if r, err := ParseRelease(bad); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, %v", bad, r, err)
		}
	}
}

func TestFetchRefuses(t *testing.T) {
	if _, err := Fetch(t.Context(), "6.12", abi.RISCV64, t.TempDir()); err == nil || !strings.Contains(err.Error(), "kernel 6.12/riscv64: only amd64 and arm64") {
		t.Error(err)
	}
}
