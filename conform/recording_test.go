package conform_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
)

// TestRecordingsOfAnotherForm are refused.
func TestRecordingsOfAnotherForm(t *testing.T) {
	for src, want := range map[string]string{
		`{"schema":1,"kernel":"7.3","machines":[]}`:  "r.json: the recording has schema 1, and this program knows 2: record the kernel again",
		`{"schema":2,"kernel":"7.3","machines":[]}`:  "r.json: no recording: json: unknown field",
		`{"schema":2,"kernel":"6.18","outcomes":{}}`: "r.json: no recording: it names no kernel or has no outcomes",
		`{}`: "r.json: the recording has schema 0",
		`{"schema":2,"kernel":"6.18","outcomes":{"A.b":{"seen":[1]}}}`:   "r.json: no recording: json: cannot unmarshal",
		`{"schema":2,"kernel":"6.18","outcomes":{"A.b":{"seen":["x"]}}}`: "r.json: no recording: \"x\" is no observation",
		`not json`: "r.json: no recording: invalid character",
	} {
		if _, err := conform.ReadRecording("r.json", []byte(src)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", src, err, want)
		}
	}
}

// TestARecordingIsWhatWasRecorded, with the repeats, after it was written and
// read.
func TestARecordingIsWhatWasRecorded(t *testing.T) {
	e := conform.Emulator(emu.Linux("6.18", abi.AMD64))
	rec := conform.NewRecording("6.18", "Linux 6.18.0")
	rec.Config = map[string]string{"CONFIG_DEBUG_RSEQ": "n"}
	cases := append(conform.Find("STALE."), conform.Find("COUNTER.")...)
	for r := range conform.Check(t.Context(), e, cases, e) {
		if r.Case.Name == "STALE.migrate" {
			r.Runs, r.Odd = 16, []conform.Outcome{{End: "exit 1"}, {End: "exit 1"}}
		}
		if r.Case.Name == "STALE.irq" {
			r.Status, r.Detail = conform.Skipped, "no reason"
		}
		rec.Record(&r)
	}
	read, err := conform.ReadRecording("r.json", rec.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rec, read); diff != "" {
		t.Errorf("%s", diff)
	}
	if got := read.Repeated["STALE.migrate"]; got.Odd != 2 || !slices.Equal(got.Also, []string{"ends with exit 1"}) {
		t.Errorf("the repeats are %+v", got)
	}
	for r := range conform.Check(t.Context(), e, cases, read) {
		if r.Status != conform.Same && r.Case.Name != "STALE.irq" {
			t.Errorf("%s: %v\n%s", r.Case.Name, r.Status, r.Detail)
		}
	}
}

// TestKnownDeviations: one that is listed is no failure, one that isn't is, and
// so is one that is gone.
func TestKnownDeviations(t *testing.T) {
	d, err := conform.ReadDeviations("x.xfail", []byte("# ours\nCS.abort-same-* # never aborts\nCS.abort-migrate # neither\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := conform.Emulator(emu.Linux("6.18", abi.AMD64))
	for _, tt := range []struct {
		case_  string
		target conform.Target
		want   conform.Status
		detail string
	}{
		{"CS.abort-same-cpu", wrong{e}, conform.Expected, "never aborts"},
		{"CS.abort-same-cpu", e, conform.Vanished, "x.xfail:2 says that it deviates (never aborts), and it doesn't\n"},
		{"CS.abort-signal", wrong{e}, conform.Different, "calls return: 1, want 2\n"},
	} {
		for r := range conform.Check(t.Context(), tt.target, conform.Find(tt.case_)[:1], e) {
			if r = d.Apply(r); r.Status != tt.want || r.Detail != tt.detail {
				t.Errorf("%s: %v %q, want %v %q", tt.case_, r.Status, r.Detail, tt.want, tt.detail)
			}
		}
	}
	for src, want := range map[string]string{
		"CS.abort-signal":        "x.xfail:1: \"CS.abort-signal\" has no reason: want CASE # why it deviates",
		"\nNO.such # reason":     "x.xfail:2: there is no case \"NO.such\"",
		"CS.[ # reason":          `x.xfail:1: "CS.[" is no pattern of cases' names`,
		strings.Repeat("x", 1e5): "x.xfail: bufio.Scanner: token too long",
	} {
		if _, err := conform.ReadDeviations("x.xfail", []byte(src)); err == nil || err.Error() != want {
			t.Errorf("%.20s: error %v, want %s", src, err, want)
		}
	}
}

// TestJUnit is what CI systems read.
func TestJUnit(t *testing.T) {
	e := conform.Emulator(emu.Linux("6.18", abi.AMD64))
	results := slices.Collect(conform.Check(t.Context(), wrong{e}, conform.Find("CS.abort-s"), e))
	results = append(results, conform.Result{Case: results[0].Case, Status: conform.Skipped, Detail: "no <time>"},
		conform.Result{Case: results[0].Case, Status: conform.Failed, Detail: "ptrace: denied"})
	var b strings.Builder
	if err := conform.WriteJUnit(&b, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<testsuite name="CS" tests="4" failures="2" errors="1" skipped="1">`,
		`<failure message="different">calls return: 1, want 2&#xA;</failure>`,
		`<skipped message="no &lt;time&gt;"></skipped>`, `<error message="ptrace: denied"></error>`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s isn't in\n%s", want, b.String())
		}
	}
}
