package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rseqemu/rseqemu/abi"
)

// mirror is where packages come from if the system names no mirror of Debian's.
const mirror = "http://deb.debian.org/debian"

// keyring has the keys that Debian's releases are signed with.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// suites are the parts of the archive that have kernels.
var suites = []string{"bullseye", "bookworm", "trixie", "trixie-backports"}

// How old the lists may be, and how old if a release is not in them.
const (
	stale      = 24 * time.Hour
	staleIfNot = 10 * time.Minute
)

// apt is a directory for apt of our own, for packages of one architecture.
type apt struct {
	arch abi.Arch
	dir  string
}

// openApt makes the directory or renews what it is made of.
func openApt(ctx context.Context, arch abi.Arch) (*apt, error) {
	for _, program := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%s is not installed: kernels are fetched with Debian's apt and dpkg", program)
		}
	}
	if !exists(keyring) {
		return nil, fmt.Errorf("%s is not there: it is in the package debian-archive-keyring", keyring)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	a := &apt{arch: arch, dir: filepath.Join(cache, "rseqemu", "apt", arch.String())}
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o777); err != nil {
			return nil, err
		}
	}
	from := systemMirror(ctx)
	var sources strings.Builder
	for _, s := range suites {
		fmt.Fprintf(&sources, "deb [signed-by=%s] %s %s main\n", keyring, from, s)
	}
	for name, text := range map[string]string{"sources.list": sources.String(), "status": "", "apt.conf": a.config(ctx)} {
		if err := replace(filepath.Join(a.dir, name), text); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// replace writes a file, unless it has that text: a newer file would have apt
// read all of its lists again.
func replace(file, text string) error {
	old, err := os.ReadFile(file)
	if err == nil && string(old) == text {
		return nil
	}
	return os.WriteFile(file, []byte(text), 0o666)
}

// config is the configuration that is read instead of the system's. That may
// have commands in it which apt would run after an update, as they were meant
// for the system.
func (a *apt) config(ctx context.Context) string {
	in := func(name string) string { return filepath.Join(a.dir, filepath.FromSlash(name)) }
	var b strings.Builder
	for _, option := range [][2]string{
		{"Dir::Etc::main", "/dev/null"},
		{"Dir::Etc::parts", "/dev/null"},
		{"Dir::Etc::sourcelist", in("sources.list")},
		{"Dir::Etc::sourceparts", "/dev/null"},
		{"Dir::Etc::preferences", "/dev/null"},
		{"Dir::Etc::preferencesparts", "/dev/null"},
		{"Dir::State", in("state")},
		{"Dir::State::status", in("status")},
		{"Dir::Cache", in("cache")},
		{"APT::Architecture", a.arch.String()},
		{"APT::Architectures::", a.arch.String()},
		// The directory is the user's and not that of apt's own user.
		{"APT::Sandbox::User", "root"},
		{"Acquire::Languages", "none"},
		// Hundreds of megabytes otherwise.
		{"Acquire::GzipIndexes", "true"},
		{"Dir::Cache::srcpkgcache", ""},
	} {
		fmt.Fprintf(&b, "%s \"%s\";\n", option[0], option[1])
	}
	for line := range strings.Lines(output(ctx, "apt-config", "dump")) {
		if network.MatchString(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// network are the options of the system that are about the way to the mirror.
var network = regexp.MustCompile(`^Acquire::(https?(::|\s)|Proxy|Retries|ForceIPv|Check-Date|Check-Valid-Until)`)

// systemMirror returns the mirror that the system's sources name.
func systemMirror(ctx context.Context) string {
	for line := range strings.Lines(output(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI)")) {
		uri := strings.TrimSuffix(strings.TrimSpace(line), "/")
		if strings.HasSuffix(uri, "/debian") && strings.Contains(uri, "://") && !strings.ContainsAny(uri, " \t[]") {
			return uri
		}
	}
	return mirror
}

// output runs a command with the system's configuration that only asks
// something; no answer is one, too.
func output(ctx context.Context, name string, args ...string) string {
	out, _ := exec.CommandContext(ctx, name, args...).Output()
	return string(out)
}

// find returns the package with a release, after an update if the lists are old
// or don't have it.
func (a *apt) find(ctx context.Context, want Release) (pack, error) {
	var updateErr error
	for _, age := range []time.Duration{stale, staleIfNot} {
		if a.age() > age {
			updateErr = a.update(ctx)
		}
		packs, err := a.packs(ctx)
		if err != nil {
			return pack{}, err
		}
		if p, ok := choose(packs, want); ok {
			return p, nil
		}
		if updateErr != nil {
			return pack{}, fmt.Errorf("apt-get update: %w", updateErr)
		}
		if age == staleIfNot {
			return pack{}, fmt.Errorf("there is no such package for %v; there are %s", a.arch, releases(packs))
		}
	}
	panic("debian: BUG: no end")
}

// age is how old the lists are.
func (a *apt) age() time.Duration {
	st, err := os.Stat(filepath.Join(a.dir, "updated"))
	if err != nil {
		return 1 << 62
	}
	return time.Since(st.ModTime())
}

// update brings the lists up to date. Those that can be are, even if there is an
// error: one of the suites may be gone.
func (a *apt) update(ctx context.Context) error {
	if _, err := a.run(ctx, a.dir, "apt-get", "-q", "update"); err != nil {
		return err
	}
	file := filepath.Join(a.dir, "updated")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		return err
	}
	now := time.Now()
	return os.Chtimes(file, now, now)
}

// packs returns the packages with kernels.
func (a *apt) packs(ctx context.Context) ([]pack, error) {
	out, err := a.run(ctx, a.dir, "apt-cache", "search", "--names-only", names(a.arch))
	if err != nil {
		return nil, err
	}
	args := []string{"show"}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		args = append(args, name)
	}
	if len(args) == 1 {
		return nil, nil
	}
	if out, err = a.run(ctx, a.dir, "apt-cache", args...); err != nil {
		return nil, err
	}
	return parsePacks(out), nil
}

// run runs a command with the configuration of the directory, in dir. Its error
// is the last one that the command complains of.
func (a *apt) run(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	// apt removes what it had begun with.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err == nil && name == "apt-get" && strings.Contains(complaints.String(), "W: Failed to fetch"):
		// An update without a network is a success to apt.
		return nil, errors.New(complaint(complaints.String()))
	case err != nil:
		if text := complaint(complaints.String()); text != "" {
			return nil, errors.New(text)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out.Bytes(), nil
}

// complaint returns the last line that is an error, or else a warning that
// something was not fetched, or else just the last line.
func complaint(text string) string {
	best, rank := "", 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		r := 1
		switch {
		case line == "":
			continue
		case strings.HasPrefix(line, "E: "):
			r = 3
		case strings.HasPrefix(line, "W: Failed to fetch"):
			r = 2
		}
		if r >= rank {
			best, rank = line, r
		}
	}
	return strings.TrimPrefix(strings.TrimPrefix(best, "E: "), "W: ")
}
