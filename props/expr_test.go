package props_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/props"
)

// memory is what the expressions below look at. The list of CPU 0 is n1, n2, that
// of CPU 1 is empty; ring is a list that never ends.
const memory = `
const SEVEN = 7
const MINUS = -3
data  x: u64 = 5
data  small: u8[3] = 250, 251, 252
data  half: u32[2] = 0xffffffff, 1
data  wide: u64[3] = 10, 20, 30
data  n1: u64[2] = n2, 1
data  n2: u64[2] = 0, 2
data  heads: u64[2] = n1, n2
data  ring: u64[2] = ring, 0
data  start: u64 = chain
data  chain: u64[5] = chain + 8, chain + 16, chain + 24, chain + 32, 0
percpu counts: u64
percpu head: u64[2]

func zero()
    mov r0, 0
    ret
func one()
    mov r0, 1
    ret
func fill()
    ld.4 r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, counts }
    add r4, r2, 100
    st.8 [r3], r4
    ret

thread: fill; zero; one; one
thread: fill; one
cpus 2
`

// TestExpressions: their values once both threads have ended.
func TestExpressions(t *testing.T) {
	for _, tt := range []struct {
		expr string
		want int64
	}{
		{"42", 42}, {"-1", -1}, {"0x10", 16}, {"-EBUSY", -16}, {"SEVEN", 7}, {"MINUS", -3},
		{"x", 5}, {"small", 250}, {"half", 0xffffffff}, {"wide", 10},
		{"small[2]", 252}, {"half[1]", 1}, {"wide[0]", 10}, {"wide[2]", 30}, {"wide[small[0] - 249]", 20},
		{"counts[0]", 100}, {"counts[1]", 101}, {"counts[SEVEN - 6]", 101},
		{"sum(counts)", 201}, {"sum(wide)", 60}, {"sum(small)", 753}, {"sum(x)", 5},
		{"list(heads, 0)", 3}, {"list(head, 0)", 0}, {"list(start, 0)", 5},
		{"&x == &x", 1}, {"&n1 == heads[0]", 1}, {"&n2 == n1", 1}, {"&wide + 8 == &wide", 0},
		{"calls(zero)", 1}, {"calls(one)", 3}, {"calls(fill)", 2}, {"got(one)", 3}, {"got(zero)", 0}, {"got(zero) + calls(one)", 3},
		{"1 + 2 * 3", 7}, {"(1 + 2) * 3", 9}, {"1 - 2 - 3", -4}, {"10 - 2 * 3 + 1", 5}, {"MINUS * MINUS", 9},
		{"1 == 1", 1}, {"1 == 2", 0}, {"1 != 2", 1}, {"2 != 2", 0},
		{"-1 < 0", 1}, {"0 < 0", 0}, {"0 <= 0", 1}, {"1 <= 0", 0}, {"1 > -1", 1}, {"0 > 0", 0}, {"0 >= 0", 1}, {"-1 >= 0", 0},
		{"2 && 4", 1}, {"2 && 0", 0}, {"0 && 0", 0}, {"0 || 3", 1}, {"0 || 0", 0}, {"1 || 0 && 0", 1}, {"(1 || 0) && 0", 0}, {"7 || counts[2]", 1}, {"0 && wide[-1]", 0},
		{"x == 5 && sum(wide) == 60 || 0 == 1", 1}, {"x + 1 == 6", 1},
	} {
		for _, right := range []int64{tt.want, tt.want + 1} {
			p := parse(t, memory+fmt.Sprintf("final (%s) == %d\n", tt.expr, right))
			m := boot(t, p, "6.18", "none")
			out, err := explore.Run(m, []explore.Factory{props.Checks}, explore.Undisturbed(), 0, nil)
			if err != nil || !out.Done {
				t.Fatal(out, err)
			}
			switch v := out.Violation; {
			case right == tt.want && v != nil:
				t.Errorf("%s: %v", tt.expr, v)
			case right != tt.want && (v == nil || v.Message != fmt.Sprintf("the left side is %d, the right side %d", tt.want, right)):
				t.Errorf("%s is not %d: %v", tt.expr, right, v)
			}
		}
	}
}

// TestACompoundConditionSaysWhatItSaw: each thing once, and nothing that wasn't
// looked at.
func TestACompoundConditionSaysWhatItSaw(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{"x == 5 && small[1] == 0 || x == SEVEN", "x is 5, small[1] is 251"},
		{"x == 6 && wide[7] == 0", "x is 5"},
		{"got(one) == 0 && calls(fill) > 3", "got(one) is 0, calls(fill) is 0"},
		{"heads[0] == &n2 || sum(wide) < 6", "heads[0] is n1, sum(wide) is 60"},
	} {
		p := parse(t, memory+"final "+tt.expr+"\n")
		v := property(t, props.Checks, boot(t, p, "6.18", "")).AtEnd(boot(t, p, "6.18", ""))
		if v == nil || v.Message != tt.want {
			t.Errorf("%s: %v, want %q", tt.expr, v, tt.want)
		}
	}
}

// TestAnIndexOutsideAndAnEndlessListBreakTheCheck: what can't be answered
// doesn't hold, whatever it is compared with.
func TestAnIndexOutsideAndAnEndlessListBreakTheCheck(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{"counts[64] == 0", "there is no counts[64], only 0 to 1"},
		{"counts[2] == 0", "there is no counts[2], only 0 to 1"},
		{"wide[-1] == 0", "there is no wide[-1], only 0 to 2"},
		{"wide[1000000] != 1", "there is no wide[1000000], only 0 to 2"},
		{"wide[3] == 0 || 1 == 1", "there is no wide[3], only 0 to 2"},
		{"1 == 1 && small[3] == 0", "there is no small[3], only 0 to 2"},
		{"0 == 1 || small[3] == 0", "there is no small[3], only 0 to 2"},
		{"list(ring, 0) > 0", "the list at ring never ends"},
	} {
		p := parse(t, memory+"final "+tt.expr+"\n")
		v := property(t, props.Checks, boot(t, p, "6.18", "")).AtEnd(boot(t, p, "6.18", ""))
		if v == nil || v.Message != tt.want {
			t.Errorf("%s: %v, want %q", tt.expr, v, tt.want)
		}
	}
}

// TestWhenConditionsAreAsked: always after every transition, final at the end,
// each named as it is written.
func TestWhenConditionsAreAsked(t *testing.T) {
	const program = "data a: u64\nfunc f()\n st.8 [a], 1\n st.8 [a], 2\n st.8 [a], 0\n ret\nthread: f\n"
	for _, tt := range []struct {
		check, property string
		after           int // transitions; 0: it holds
	}{
		{"final a == 0", "", 0},
		{"final a == 1", "final a == 1", 4},
		{"final a", "final a", 4},
		{"always a < 3", "", 0},
		{"always a < 2", "always a < 2", 2},
		{"always a + 1", "", 0},
		{"always a != 1 || calls(f) == 1", "always a != 1 || calls(f) == 1", 1},
		{"always calls(f) == 0", "always calls(f) == 0", 4},
		{"final got(f) == 1\nalways a < 2", "always a < 2", 2},
		{"always a < 9\nfinal calls(f) == 1\nfinal a == 7", "final a == 7", 4},
	} {
		m := boot(t, parse(t, program+tt.check+"\n"), "6.18", "none")
		out, err := explore.Run(m, []explore.Factory{props.Checks}, explore.Undisturbed(), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch v := out.Violation; {
		case (v == nil) != (tt.after == 0):
			t.Errorf("%s: %v", tt.check, v)
		case v != nil && (v.Property != tt.property || len(out.Schedule) != tt.after):
			t.Errorf("%s: %v after %d transitions", tt.check, v, len(out.Schedule))
		case v != nil && !strings.Contains(tt.property, " <") && !strings.Contains(tt.property, "=") && v.Message != "it is false":
			t.Errorf("%s: %v", tt.check, v)
		}
	}
}
