package explore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// seconded breaks when a call returns 1, and has a judge of whom the test decides
// what it says.
type seconded struct {
	broken bool
	judge  *judge
}

type judge struct {
	calls, asked int
	says         func(calls int) (broken, ok bool)
}

func (s *seconded) Observe(e emu.Event) { s.broken = s.broken || e.Kind == emu.EvReturn && e.A == 1 }
func (s *seconded) After(*emu.Machine, emu.Choice) *explore.Violation {
	if s.broken {
		return &explore.Violation{Property: "no one", Message: "a call returns 1"}
	}
	return nil
}
func (s *seconded) AtEnd(*emu.Machine) *explore.Violation { return nil }
func (s *seconded) AppendState(b []byte) []byte           { return b }
func (s *seconded) SetState(b []byte) ([]byte, error) {
	s.broken = false
	return b, nil
}
func (s *seconded) Judge(*emu.Machine) (explore.Judge, error) {
	if s.judge == nil {
		return nil, fmt.Errorf("on holiday")
	}
	return s.judge, nil
}
func (j *judge) Observe(e emu.Event) {
	if e.Kind == emu.EvReturn {
		j.calls++
	}
}
func (j *judge) Broken() (broken, ok bool) {
	j.asked++
	return j.says(j.calls)
}

// TestJudgesAreAsked about a run and about all of it but the last transition, by
// searches and samples; if they disagree, nothing is returned.
func TestJudgesAreAsked(t *testing.T) {
	p := parse(t, "func zero()\n mov r0, 0\n ret\nfunc one()\n mov r0, 1\n ret\nthread: zero; one\n")
	for _, tt := range []struct {
		name  string
		judge *judge
		panic string
	}{
		{"agrees", &judge{says: func(calls int) (bool, bool) { return calls == 2, true }}, ""},
		{"can't tell", &judge{says: func(int) (bool, bool) { return false, false }}, ""},
		{"never", &judge{says: func(int) (bool, bool) { return false, true }}, "explore: BUG: a property and its judge disagree after 4 transitions"},
		{"always", &judge{says: func(int) (bool, bool) { return true, true }}, "explore: BUG: a property and its judge disagree after 3 transitions"},
		{"is not there", nil, "explore: BUG: a property without its judge: on holiday"},
	} {
		for _, sample := range []bool{false, true} {
			if tt.judge != nil {
				tt.judge.calls, tt.judge.asked = 0, 0
			}
			fs := []explore.Factory{func(*emu.Machine) (explore.Property, error) { return &seconded{judge: tt.judge}, nil }}
			got := ""
			func() {
				defer func() {
					if r := recover(); r != nil {
						got = fmt.Sprint(r)
					}
				}()
				m := boot(t, p, on(t, "6.18", "none"))
				var err error
				if sample {
					_, err = explore.Sample(t.Context(), m, fs, explore.Uniform(), 1, 10, explore.Limits{}, nil)
				} else {
					_, err = explore.Exhaustive(t.Context(), m, fs, explore.Limits{}, nil)
				}
				if err != nil {
					t.Error(err)
				}
			}()
			if !strings.HasPrefix(got, tt.panic) || tt.panic == "" && (got != "" || tt.judge.asked != 2) {
				t.Errorf("%s: %q, asked %d times; want %q", tt.name, got, tt.judge.asked, tt.panic)
			}
		}
	}
}
