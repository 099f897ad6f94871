package emu

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// bases are all releases on an architecture of each entry class, in every form.
func bases() []Kernel {
	var out []Kernel
	for _, arch := range []abi.Arch{abi.AMD64, abi.ARM64, abi.ARM} {
		for _, r := range Releases() {
			k := Linux(r, arch)
			out = append(out, k)
			k.Debug = true
			out = append(out, k)
			if k.hasV2() {
				k.Legacy = true
				out = append(out, k)
			}
		}
	}
	return out
}

// Whatever tells kernels apart is a rule, or the base's name says it.
func TestEveryFieldCanBeChangedOrIsTheBases(t *testing.T) {
	named := []string{"Release", "Arch", "Family", "Entry", "Slices", "Preemption", "Debug", "Legacy", "Proposal",
		"UnregisterCPUIDStart"} // a mistake of some releases: nobody proposes it
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Kernel]()) {
		if isRule, isNamed := ruleByName(f.Name) != nil, slices.Contains(named, f.Name); isRule == isNamed {
			t.Errorf("%s: a rule %v, the base's %v", f.Name, isRule, isNamed)
		}
	}
}

// No release contradicts itself, or does what only proposals do.
func TestAReleaseIsNoVariant(t *testing.T) {
	for _, k := range bases() {
		if c := k.conflicts(); len(c) > 0 {
			t.Errorf("%s: %v", k, c)
		}
		if c := k.Changes(); len(c) > 0 {
			t.Errorf("%s: %v", k, c)
		}
	}
}

// A variant's name says all of it: who reads the name has the variant.
func TestAVariantIsReadBackFromItsName(t *testing.T) {
	n := 0
	for _, base := range bases() {
		for _, r := range rules {
			for _, word := range []string{"yes", "no", "0", "28", "33", "64", "generic", "irq-only", "none", "old", "new", "honoured",
				"no-restart-fatal", "fatal", "ignored", "per-cpu", "per-task", "length", "flag", "either", "allowed", "kills-v2", "kills"} {
				k, err := Variant(base, Change{r.Name, word})
				if err != nil {
					continue
				}
				n++
				got, err := ParseKernel(k.String())
				if err != nil || got != k {
					t.Fatalf("%s is read as %v, %v:\n%s", k, got, err, cmp.Diff(k, got))
				}
				if want := []Change{{r.Name, word}}; !slices.Equal(k.Changes(), want) {
					t.Fatalf("%s has the changes %v", k, k.Changes())
				}
			}
		}
	}
	if n < 1000 {
		t.Errorf("%d variants are too few", n)
	}
}

func TestWhatIsWrongWithChanges(t *testing.T) {
	for _, tt := range []struct {
		base, changes string
		i             int
		value         bool
		msg           string
	}{
		{"7.3", "V3=flag", 0, false, `unknown rule "V3" (FeatureSize, `},
		{"7.3", "V2=flag+V2=either", 1, false, "V2 is changed twice"},
		{"7.3", "V2=size", 0, true, `V2 is length, flag or either, not "size"`},
		{"7.3", "IDsAlways=maybe", 0, true, `IDsAlways is yes or no, not "maybe"`},
		{"7.3", "FeatureSize=65", 0, true, `FeatureSize is a number from 0 to 64, not "65"`},
		{"7.3", "FeatureSize=033", 0, true, `not "033"`},
		{"7.3", "V2=length", 0, true, "V2 is length on 7.3/v2 already"},
		{"6.19", "V2=flag", 0, false, "V2 = flag and Versions = no contradict each other: there are no versions to choose from"},
		{"6.18", "IDsAlways=yes", 0, false, "IDsAlways = yes and Notify = old contradict"},
		{"6.19", "MaskCleared=yes", 0, false, "MaskCleared = yes and Notify = new contradict"},
		{"6.18", "Notify=new+Flags=honoured", 1, false, "Flags = honoured and Notify = new contradict"},
		{"6.18", "Notify=new", 0, false, "Flags = fatal and Notify = new contradict"},
		{"7.3", "LongAlign=48", 0, false, "an alignment is a power of two"},
		{"7.3", "CID=none", 0, false, "CID = none and WritesCID = yes contradict"},
		{"7.3", "LongAreas=no", 0, false, "LongAreas = no and Versions = yes contradict"},
	} {
		base, err := ParseKernel(tt.base)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parseChanges(base, tt.changes)
		var bad *ChangeError
		if !errors.As(err, &bad) || bad.I != tt.i || bad.Value != tt.value || !strings.Contains(bad.Msg, tt.msg) {
			t.Errorf("%s+%s: %+v, want change %d (value %v): %s", tt.base, tt.changes, err, tt.i, tt.value, tt.msg)
		}
	}
	if _, err := ParseKernel("7.3+V2"); err == nil || !strings.Contains(err.Error(), `"V2" is no change such as V2=flag`) {
		t.Errorf("7.3+V2: %v", err)
	}
}

// Who asks for V2: the length, the flag, either; and what libc gets.
func TestWhatAsksForV2(t *testing.T) {
	for _, tt := range []struct {
		kernel               string
		short, long          int // without the flag
		shortFlag, longFlag  int
		libc                 int
		flagsKnown, longFits bool
	}{
		{"7.3", 1, 2, 1, 2, 2, false, true},
		{"7.3/v1", 1, 2, 1, 2, 1, false, true},
		{"7.3+V2=flag", 1, 1, 2, 2, 2, true, true},
		{"7.3/v1+V2=flag", 1, 1, 2, 2, 1, true, true},
		{"7.3+V2=either", 1, 2, 2, 2, 2, true, true},
		{"7.3/arm", 1, 1, 1, 1, 1, false, true},
		{"7.3/arm+V2=flag", 1, 1, 1, 1, 1, true, true},
		{"6.19", 2, 2, 2, 2, 2, false, true},
	} {
		k, err := ParseKernel(tt.kernel)
		if err != nil {
			t.Fatal(err)
		}
		got := [5]int{k.version(32, 0), k.version(64, 0), k.version(32, FlagV2), k.version(64, FlagV2), k.Version(k.AreaLen())}
		want := [5]int{tt.short, tt.long, tt.shortFlag, tt.longFlag, tt.libc}
		if got != want {
			t.Errorf("%s: %v, want %v", tt.kernel, got, want)
		}
		p, err := ir.Parse("x.rseq", []byte("register none\nfunc f()\n mov r0, tp\n mov r1, 32\n mov r2, 4\n mov r3, RSEQ_SIG\n syscall rseq\n ret\nthread: f\n"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(p, Config{Kernel: k, CPUs: 1})
		if err != nil {
			t.Fatal(err)
		}
		known := false
		m.ObserveOnly(SetOf(EvSysret), func(e Event) { known = e.A == 0 })
		for !m.Done() {
			m.Do(m.Progress(nil)[0])
		}
		if known != tt.flagsKnown {
			t.Errorf("%s: rseq() with the flag succeeds: %v, want %v", tt.kernel, known, tt.flagsKnown)
		}
	}
}

func TestAProposalIsRead(t *testing.T) {
	k, err := ParseProposal("p.kernel", []byte("\n# who and why\n name=mine-2 # its name\r\nbase = 7.3/v1/debug\n\tMembarrierSelf = yes\nStaleCleared = no"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "7.3/v1/debug+StaleCleared=no+MembarrierSelf=yes"; k.String() != "mine-2" || k.Spec() != want {
		t.Errorf("%s, %s; want mine-2, %s", k, k.Spec(), want)
	}
}

func TestWhatIsWrongWithAProposal(t *testing.T) {
	const head = "name = x\nbase = 7.3\n"
	for _, tt := range []struct{ text, want string }{
		{"", "p: the proposal has no name: add a line such as name = v2-by-flag"},
		{"name = x", "p: the proposal has no base: add a line such as base = 7.3"},
		{head, "p: the proposal changes nothing: add a line such as V2 = flag (FeatureSize, "},
		{head + "V2", `p:3:1: want a line such as V2 = flag, not "V2"`},
		{head + "  V2 =  # nothing", `p:3:3: there is no value behind "V2" =`},
		{head + "= flag", `p:3:1: unknown rule ""`},
		{head + " V3 = flag", `p:3:2: unknown rule "V3" (`},
		{head + "V2 =  size", `p:3:7: V2 is length, flag or either, not "size"`},
		{head + "V2 = flag\nV2 = either", "p:4:1: V2 is changed twice"},
		{head + "V2 = length", "p:3:6: V2 is length on 7.3/v2 already"},
		{head + "Notify = old\nV2 = flag", "p:3:1: Versions = yes and Notify = old contradict each other"},
		{"name = x\nbase = 6.19\nV2 = flag", "p:3:1: V2 = flag and Versions = no contradict each other"},
		{"V2 = flag", "p:1:1: name and base come before the changes"},
		{"name = 7.3", `p:1:8: "7.3" is no name`},
		{"name = -x", `p:1:8: "-x" is no name`},
		{"name = x\nname = y", "p:2:1: there is a name already"},
		{"base = 9.9", `p:1:8: unknown kernel "9.9"`},
		{"base = 7.3\nbase = 7.3", "p:2:1: there is a base already"},
		{"base = 7.3+V2=flag", "p:1:8: a base is a release"},
		{strings.Repeat("#", MaxProposal+1), "p: a proposal of more than 64 KiB"},
	} {
		_, err := ParseProposal("p", []byte(tt.text))
		var at *ir.SyntaxError
		if !errors.As(err, &at) || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// Whatever is read as a proposal is a variant of its base with a name, and anything
// else is an error in one line that points into the text.
func FuzzProposal(f *testing.F) {
	f.Add("name = x\nbase = 7.3\nV2 = flag\n")
	f.Add("name = x\nbase = 6.18/arm64\nMaskCleared = yes # why\nStaleCleared=no\r\n")
	f.Add("base = 7.3\nname = é\nFlags = honoured")
	f.Fuzz(func(t *testing.T, src string) {
		k, err := ParseProposal("p", []byte(src))
		if err == nil {
			again, err := ParseKernel(k.Spec())
			again.Proposal = k.Proposal
			if err != nil || again != k || k.Proposal == "" || len(k.Changes()) == 0 {
				t.Fatalf("%q: %+v is read back as %+v, %v", src, k, again, err)
			}
			return
		}
		var at *ir.SyntaxError
		if !errors.As(err, &at) || strings.Contains(err.Error(), "\n") || at.Pos.Line > strings.Count(src, "\n")+1 || at.Pos.Col > len(at.Line)+1 {
			t.Fatalf("%q: %v", src, err)
		}
	})
}
