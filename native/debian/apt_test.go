package debian

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

var fetch = flag.String("fetch", "", "a release that is fetched from Debian")

// TestFetch asks Debian for a kernel, and once more when it is there.
func TestFetch(t *testing.T) {
	if *fetch == "" {
		t.Skip("only with -fetch RELEASE: it takes the network")
	}
	dir := t.TempDir()
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64} {
		k, err := Fetch(t.Context(), *fetch, arch, dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", k)
		if st, err := os.Stat(k.Image); err != nil || st.Size() < smallest {
			t.Errorf("the image: %v, %v", st, err)
		}
		again, err := Fetch(t.Context(), k.Release, arch, dir)
		if err != nil || *again != *k {
			t.Errorf("again %+v, %v", again, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestComplaint(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"W: one\nE: two\nE: three\nW: four\n", "three"},
		{"W: Failed to fetch http://x  Could not resolve 'x'\nW: Some index files failed to download.\n", "Failed to fetch http://x  Could not resolve 'x'"},
		{"dpkg-deb: error: no\n\n", "dpkg-deb: error: no"},
		{"", ""},
	} {
		if got := complaint(c.text); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestNetworkOptions are taken over, and no commands.
func TestNetworkOptions(t *testing.T) {
	for line, want := range map[string]bool{
		`Acquire::http::Proxy "http://p:3128";`:   true,
		`Acquire::https::Verify-Peer "1";`:        true,
		`Acquire::Retries "3";`:                   true,
		`Acquire::Languages:: "de";`:              false,
		`Acquire::AllowInsecureRepositories "1";`: false,
		`APT::Update::Post-Invoke:: "rm -rf x";`:  false,
	} {
		if network.MatchString(line) != want {
			t.Errorf("%s: %v", line, !want)
		}
	}
}

// TestNoNetwork ends with what apt says, and leaves nothing behind.
func TestNoNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("apt tries for some seconds")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	if a, err := openApt(t.Context(), abi.AMD64); err != nil {
		t.Skip(err)
	} else if text, _ := os.ReadFile(filepath.Join(a.dir, "apt.conf")); strings.Contains(string(text), "::Proxy") {
		t.Skip("the system's apt has a proxy of its own")
	}
	dir := t.TempDir()
	_, err := Fetch(t.Context(), "6.12", abi.AMD64, dir)
	if err == nil || !strings.HasPrefix(err.Error(), "kernel 6.12/amd64: apt-get update: Failed to fetch http") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
