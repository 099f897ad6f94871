package emu

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rseqemu/rseqemu/abi"
)

// TestFamilies of the releases, by the facts sheet's "The five families".
func TestFamilies(t *testing.T) {
	want := map[Family][]string{
		Original:   {"4.18", "4.19", "5.0", "5.4", "5.5", "5.10", "5.10.223", "5.15"},
		Strict:     {"6.0", "6.1", "6.1.176", "6.2"},
		Extensible: {"6.3", "6.6", "6.12", "6.12.107", "6.16", "6.17", "6.18", "6.18.15"},
		Optimized:  {"6.19", "6.19.6", "6.19.14", "7.0.4", "7.0.7", "7.0.9"},
		Versioned:  {"7.0", "7.0.10", "7.0.12", "7.0.13", "7.1", "7.1.3", "7.1.13", "7.2", "7.2.6", "7.2.13", "7.3", "7.3.4"},
	}
	notify := map[Family]Notify{Original: NotifyOld, Strict: NotifyOld, Extensible: NotifyOld, Optimized: NotifyNew, Versioned: NotifyNew}
	cids := map[Family]CIDPolicy{Original: CIDNone, Strict: CIDNone, Extensible: CIDPerCPU, Optimized: CIDPerTask, Versioned: CIDPerTask}
	var all []string
	for family, releases := range want {
		for _, release := range releases {
			k := Linux(release, abi.AMD64)
			if k.Family != family || k.Notify != notify[family] || k.CID != cids[family] {
				t.Errorf("%s: %s, %s notify rule, mm_cid %s; want %s, %s, %s", release, k.Family, k.Notify, k.CID, family, notify[family], cids[family])
			}
		}
		all = append(all, releases...)
	}
	for _, release := range Releases() {
		if !slices.Contains(all, release) {
			t.Errorf("%s isn't tested", release)
		}
	}
	if !slices.IsSortedFunc(Releases(), func(a, b string) int {
		v, _ := parseVersion(a)
		w, _ := parseVersion(b)
		return slices.Compare(v[:], w[:])
	}) {
		t.Errorf("Releases isn't oldest first: %v", Releases())
	}
}

// TestShortNamesStandForTheLastMeasured point release of their series.
func TestShortNamesStandForTheLastMeasured(t *testing.T) {
	for short, long := range map[string]string{
		"5.10": "5.10.223", "6.1": "6.1.176", "6.12": "6.12.107", "6.18": "6.18.15", "6.19": "6.19.14",
		"7.0": "7.0.13", "7.1": "7.1.13", "7.2": "7.2.13", "7.3": "7.3.4",
	} {
		k := Linux(long, abi.AMD64)
		k.Release = short
		if diff := cmp.Diff(k, Linux(short, abi.AMD64)); diff != "" {
			t.Errorf("%s (-%s +%s):\n%s", short, long, short, diff)
		}
	}
}

// TestStaleDescriptorIsCleared at registration from 6.16, and in the stable series
// since mid-2025.
func TestStaleDescriptorIsCleared(t *testing.T) {
	for _, release := range Releases() {
		want := !slices.Contains([]string{"4.18", "4.19", "5.0", "5.4", "5.5", "5.10", "5.15", "6.0", "6.2", "6.3"}, release)
		if k := Linux(release, abi.AMD64); k.StaleCleared != want {
			t.Errorf("%s: cleared: %v; want %v", release, k.StaleCleared, want)
		}
	}
}

// TestRegisterDirective is who registers the areas, and how long they are.
func TestRegisterDirective(t *testing.T) {
	for directive, want := range map[string][2]uint32{"": {33, 2}, "register full\n": {33, 2}, "register legacy\n": {32, 1}, "register none\n": {0, 0}} {
		r := boot(t, "7.3", section+directive+"thread: op\n")
		if got := [2]uint32{r.RSeqConfiguration(0).Size, uint32(r.tasks[0].rseq.version)}; got != want {
			t.Errorf("%q: length and version %v, want %v", directive, got, want)
		}
	}
}

// TestEntryClasses are the architectures that use the generic entry code.
func TestEntryClasses(t *testing.T) {
	want := map[string]string{
		"generic":  "386 amd64 loong64 ppc64 ppc64le riscv64 s390x",
		"irq-only": "arm64 arm64be",
		"none":     "arm armbe mips mips64 mips64le mipsle openrisc",
	}
	got := map[string][]string{}
	for _, arch := range abi.Arches() {
		e := Linux("7.3", arch).Entry.String()
		got[e] = append(got[e], arch.String())
	}
	for class, arches := range want {
		slices.Sort(got[class])
		if s := strings.Join(got[class], " "); s != arches {
			t.Errorf("%s: %s, want %s", class, s, arches)
		}
	}
}

// TestKernelNamesParseBack: what a kernel prints as is the same kernel.
func TestKernelNamesParseBack(t *testing.T) {
	for name, want := range map[string]string{
		"6.18": "6.18", "6.18/amd64": "6.18", "6.18/x86_64": "6.18", "6.18/v1": "6.18", "7.0.4/v1": "7.0.4/v1", "6.19/arm64": "6.19/arm64", "7.3": "7.3/v2",
		"7.3/v1": "7.3/v1", "7.3/debug/v1": "7.3/v1/debug", "7.3/arm": "7.3/arm", "7.3/arm/v1": "7.3/arm/v1", "7.0.7": "7.0.7", "7.0.7/v1": "7.0.7/v1", "7.0.13/s390x/v2": "7.0.13/s390x/v2",
		"6.19/irq-only": "6.19/irq-only", "6.19/generic": "6.19", "7.3/none": "7.3/none", "7.3/v1/none": "7.3/none/v1", "7.3/v2/irq-only": "7.3/irq-only/v2",
		"6.19/arm64/irq-only": "6.19/arm64", "6.19/arm64/generic": "6.19/arm64/generic", "7.3/arm/generic": "7.3/arm/generic/v2", "6.18/none/debug": "6.18/none/debug",
	} {
		k := mustKernel(t, name)
		if got := k.String(); got != want {
			t.Errorf("%s prints as %s, want %s", name, got, want)
		}
		if again := mustKernel(t, k.String()); again.String() != want {
			t.Errorf("%s parses to %s", k, again)
		}
	}
	for _, k := range kernels(t) {
		back := mustKernel(t, k.String())
		if k.FeatureSize <= abi.RSeqOrigSize {
			back.Legacy = k.Legacy // libc registers 32 bytes either way
		}
		if diff := cmp.Diff(k, back); diff != "" {
			t.Errorf("%s (-printed +parsed):\n%s", k, diff)
		}
	}
}

// TestAreaLen is what libc registers.
func TestAreaLen(t *testing.T) {
	for name, want := range map[string]uint32{"5.10": 32, "6.1": 32, "6.18": 32, "6.19": 32, "7.0.7": 33, "7.3": 33, "7.3/v1": 32} {
		k := mustKernel(t, name)
		if got := k.AreaLen(); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		patterns string
		in, out  string
	}{
		{"", "5.10 6.18 7.3/v1", ""},
		{"6.3..", "6.3 6.18 6.19 7.3/v1 7.3/v2 7.3/arm64", "5.10 6.1 6.2"},
		{"..6.18", "5.10 6.18 6.18.15 6.18.20", "6.19 7.3"},
		{"6.3..6.18", "6.3 6.12.107 6.18", "6.2 6.19"},
		{"7.0", "7.0.4 7.0.7 7.0.13 7.0", "6.19 7.1"},
		{"7.0.7", "7.0.7", "7.0.4 7.0"},
		{"7.0.13..", "7.0 7.0.13 7.1", "7.0.7"},
		{"..7.0.7", "7.0.4 7.0.7", "7.0 7.0.13 7.1"},
		{"7.3/arm64", "7.3/arm64", "7.3 7.3/s390x"},
		{"7.0../v1", "7.3/v1 7.3/arm", "7.3 7.3/v2"},
		{"7.0../v2", "7.3 7.0.4", "7.3/v1"},
		{"!6.19", "6.18 7.0", "6.19 6.19.6"},
		{"6.3.. !6.19", "6.18 7.0", "6.1 6.19"},
		{"!6.19 6.3..", "6.18 7.0", "6.1 6.19"},
		{"..6.1 6.18 !5.4", "4.18 5.10 6.18", "5.4 6.2 6.19"},
		{"!6.19../arm64", "6.19 7.3 6.18/arm64", "6.19/arm64 7.3/arm64"},
	} {
		var patterns []Pattern
		for _, text := range strings.Fields(tt.patterns) {
			p, err := ParsePattern(text)
			if err != nil {
				t.Fatal(err)
			}
			patterns = append(patterns, p)
		}
		for want, names := range map[bool]string{true: tt.in, false: tt.out} {
			for _, name := range strings.Fields(names) {
				if got := Claims(patterns, mustKernel(t, name)); got != want {
					t.Errorf("%q claims %s: %v, want %v", tt.patterns, name, got, want)
				}
			}
		}
	}
}

// TestDefaultKernels are one of each family, and both versions.
func TestDefaultKernels(t *testing.T) {
	var got []string
	families := map[Family]bool{}
	for _, k := range DefaultKernels() {
		got = append(got, k.String())
		families[k.Family] = true
	}
	if want := []string{"5.10", "6.1", "6.18", "6.19", "7.3/v1", "7.3/v2"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if len(families) != int(Versioned)+1 {
		t.Errorf("%d families of %d", len(families), Versioned+1)
	}
}

// TestNames: every value of the small types prints, and as nothing else does.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	unique := func(kind, name string) {
		t.Helper()
		if name == "" || seen[kind+name] {
			t.Errorf("%s prints as %q, as another does", kind, name)
		}
		seen[kind+name] = true
	}
	for k := range NumChoiceKinds {
		unique("choice", k.String())
	}
	for e := range numEvents {
		unique("event", e.String())
	}
	for e := range numEventClasses {
		unique("class", e.String())
	}
	for o := range numMemoryModels {
		unique("memory", o.String())
	}
	for r := ReasonNone + 1; r < numReasons; r++ {
		unique("reason", r.String())
	}
	for f := Original; f <= Versioned; f++ {
		unique("family", f.String())
	}
	for f := FlagsHonoured; f <= FlagsIgnored; f++ {
		unique("flags", f.String())
	}
	for c := CIDNone; c <= CIDPerTask; c++ {
		unique("cid", c.String())
	}
	if s := ReasonNone.String(); s != "" {
		t.Errorf("no reason prints as %q", s)
	}
}
