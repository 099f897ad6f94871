package props_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/props"
)

// sequential walks a specification's states, one call after the other.
type sequential struct {
	*testing.T
	spec  *props.Spec
	state string
}

// begin is the specification's initial state on two CPUs.
func begin(t *testing.T, spec *props.Spec, capacity int) *sequential {
	t.Helper()
	text := "func f()\n ret\nthread: f\n"
	if capacity > 0 {
		text = fmt.Sprintf("const CAPACITY = %d\n", capacity) + text
	}
	init, err := spec.Init(boot(t, parse(t, text), "6.18", ""))
	if err != nil {
		t.Fatal(err)
	}
	return &sequential{t, spec, init}
}

// op reads a call: push(7).
func (s *sequential) op(text string) props.Op {
	s.Helper()
	name, args, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	op := props.Op{Role: slices.Index(s.spec.Roles, name)}
	for i, a := range strings.FieldsFunc(args, func(r rune) bool { return r == ',' || r == ' ' }) {
		op.Args[i], _ = strconv.ParseUint(a, 0, 64)
	}
	if op.Role < 0 {
		s.Fatalf("%s is no operation of %s", name, s.spec.Name)
	}
	return op
}

// results lists what a call may return, "r0@r1" in order.
func (s *sequential) results(call string) string {
	s.Helper()
	could := map[string]bool{}
	s.spec.Next(s.state, s.op(call), func(r props.Ret, _ string) { could[fmt.Sprintf("%d@%d", r.R0, r.R1)] = true })
	return strings.Join(slices.Sorted(maps.Keys(could)), " ")
}

// do makes calls with their results, "push(7) 0@1; pop() 7@1", each of which must be
// possible in one way.
func (s *sequential) do(calls string) {
	s.Helper()
	for _, c := range strings.Split(calls, ";") {
		if c = strings.TrimSpace(c); c == "" {
			continue
		}
		call, ret, _ := strings.Cut(c, ") ")
		var next []string
		s.spec.Next(s.state, s.op(call), func(r props.Ret, state string) {
			if fmt.Sprintf("%d@%d", r.R0, r.R1) == ret && !slices.Contains(next, state) {
				next = append(next, state)
			}
		})
		if len(next) != 1 {
			s.Fatalf("%s leads to %d states from %s", c, len(next), s.describe())
		}
		s.state = next[0]
	}
}

func (s *sequential) describe() string {
	return s.spec.Describe(s.state, func(v uint64) string { return strconv.FormatUint(v, 10) })
}

// TestSpecifications: after some calls, what the next one may return, on two
// slots, and what the state is called.
func TestSpecifications(t *testing.T) {
	const big = "18446744073709551615"
	for _, tt := range []struct {
		spec            *props.Spec
		capacity        int
		before, call    string
		want, described string
	}{
		{props.Stack, 0, "", "push(7)", "0@0 0@1", "slot 0 [], slot 1 []"},
		{props.Stack, 0, "", "pop()", "0@0 0@1", "slot 0 [], slot 1 []"},
		{props.Stack, 0, "push(7) 0@1; push(8) 0@1", "pop()", "0@0 8@1", "slot 0 [], slot 1 [7 8]"},
		{props.Stack, 0, "push(7) 0@1; push(8) 0@1; pop() 8@1", "pop()", "0@0 7@1", "slot 0 [], slot 1 [7]"},
		{props.Stack, 0, "push(7) 0@0; push(8) 0@1", "pop()", "7@0 8@1", "slot 0 [7], slot 1 [8]"},
		{props.Stack, 0, "push(" + big + ") 0@0", "pop()", "0@1 " + big + "@0", "slot 0 [" + big + "], slot 1 []"},
		{props.Stack, 2, "push(7) 0@1; push(8) 0@1", "push(9)", "0@0 1@1", "slot 0 [], slot 1 [7 8]"},
		{props.Stack, 2, "push(7) 0@1; push(8) 0@1; push(9) 1@1", "pop()", "0@0 8@1", "slot 0 [], slot 1 [7 8]"},

		{props.Counter, 0, "", "add(1)", "0@0 0@1", "slot 0 [0], slot 1 [0]"},
		{props.Counter, 0, "add(5) 0@0; add(2) 5@0", "add(1)", "0@1 7@0", "slot 0 [7], slot 1 [0]"},
		{props.Counter, 0, "add(" + big + ") 0@0; add(2) " + big + "@0", "add(0)", "0@1 1@0", "slot 0 [1], slot 1 [0]"},

		{props.Pair, 0, "", "cas(0, 0, 5)", "0@0 0@1", "slot 0 [0 0], slot 1 [0 0]"},
		{props.Pair, 0, "", "cas(1, 0, 5)", "1@0 1@1", "slot 0 [0 0], slot 1 [0 0]"},
		{props.Pair, 0, "", "cas(0, 1, 5)", "1@0 1@1", "slot 0 [0 0], slot 1 [0 0]"},
		{props.Pair, 0, "cas(0, 0, 5) 0@0", "cas(0, 0, 5)", "0@1 1@0", "slot 0 [5 0], slot 1 [0 0]"},
		{props.Pair, 0, "set(3) 0@1", "cas(0, 3, 5)", "0@1 1@0", "slot 0 [0 0], slot 1 [0 3]"},
		{props.Pair, 0, "cas(9, 9, 5) 1@0", "set(3)", "0@0 0@1", "slot 0 [0 0], slot 1 [0 0]"},

		{props.Register, 0, "", "read(0)", "0@0", "slot 0 [0], slot 1 [0]"},
		{props.Register, 0, "write(4) 0@1; write(5) 4@1", "read(1)", "5@1", "slot 0 [0], slot 1 [5]"},
		{props.Register, 0, "write(4) 0@1", "read(0)", "0@0", "slot 0 [0], slot 1 [4]"},
		{props.Register, 0, "", "read(2)", "", "slot 0 [0], slot 1 [0]"},
		{props.Register, 0, "", "write(4)", "0@0 0@1", "slot 0 [0], slot 1 [0]"},
		{props.Register, 0, "write(4) 0@0", "write(5)", "0@1 4@0", "slot 0 [4], slot 1 [0]"},

		{props.Tally, 0, "add(4) 0@1; add(5) 0@1", "take(1)", "9@1", "slot 0 [0], slot 1 [9]"},
		{props.Tally, 0, "add(4) 0@1; take(1) 4@1", "take(1)", "0@1", "slot 0 [0], slot 1 [0]"},
		{props.Tally, 0, "add(4) 0@1; take(0) 0@0", "take(1)", "4@1", "slot 0 [0], slot 1 [4]"},
		{props.Tally, 0, "", "take(7)", "", "slot 0 [0], slot 1 [0]"},
		{props.Tally, 0, "", "add(7)", "0@0 0@1", "slot 0 [0], slot 1 [0]"},

		{props.Slab, 0, "", "push(1)", "0@0 0@1 1@0 1@1", "slot 0 [], slot 1 []"},
		{props.Slab, 0, "push(1) 1@0", "pop()", "0@0 0@1", "slot 0 [], slot 1 []"},
		{props.Slab, 0, "push(1) 0@1", "pop()", "0@0 0@1 1@1", "slot 0 [], slot 1 [1]"},
		{props.Slab, 0, "push(1) 0@1; push(2) 0@1", "drain(1)", "3@1", "slot 0 [], slot 1 [1 2]"},
		{props.Slab, 0, "push(1) 0@1; push(2) 0@1", "drain(0)", "0@0", "slot 0 [], slot 1 [1 2]"},
		{props.Slab, 0, "push(1) 0@1; push(2) 0@1; drain(1) 3@1", "pop()", "0@0 0@1", "slot 0 [], slot 1 []"},
		{props.Slab, 0, "", "drain(2)", "", "slot 0 [], slot 1 []"},
		{props.Slab, 0, "push2(1, 2) 0@0", "pop()", "0@0 0@1 2@0", "slot 0 [1 2], slot 1 []"},
		{props.Slab, 0, "push2(1, 2) 1@0", "pop2()", "0@0 0@1", "slot 0 [], slot 1 []"},
		{props.Slab, 0, "push(1) 0@0", "pop2()", "0@0 0@1", "slot 0 [1], slot 1 []"},
		{props.Slab, 0, "push(4) 0@0; push2(1, 2) 0@0", "pop2()", "0@0 0@1 3@0", "slot 0 [4 1 2], slot 1 []"},
		{props.Slab, 0, "push(4) 0@0; push2(1, 2) 0@0; pop2() 3@0", "pop()", "0@0 0@1 4@0", "slot 0 [4], slot 1 []"},
		{props.Slab, 2, "push(4) 0@0", "push2(1, 2)", "0@1 1@0 1@1", "slot 0 [4], slot 1 []"},
		{props.Slab, 2, "push2(4, 5) 0@0", "push(1)", "0@1 1@0 1@1", "slot 0 [4 5], slot 1 []"},
	} {
		s := begin(t, tt.spec, tt.capacity)
		s.do(tt.before)
		if got := s.results(tt.call); got != tt.want {
			t.Errorf("%s, after %q: %s may return %q, want %q", tt.spec.Name, tt.before, tt.call, got, tt.want)
		}
		if got := s.describe(); got != tt.described {
			t.Errorf("%s, after %q: described as %q, want %q", tt.spec.Name, tt.before, got, tt.described)
		}
	}
}

// TestSpecsAreNamed: by their names, and an unknown one lists them.
func TestSpecsAreNamed(t *testing.T) {
	var names []string
	for _, s := range props.Specs() {
		names = append(names, s.Name)
		if got, err := props.SpecByName(s.Name); got != s || err != nil {
			t.Errorf("%s: %v, %v", s.Name, got, err)
		}
		if s.Required < 1 || s.Required > len(s.Roles) || s.Describe == nil {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
	_, err := props.SpecByName("queue")
	if want := `unknown specification "queue" (` + strings.Join(names, ", ") + ")"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestASlotHoldsAnyNumber of elements: the stack gives back hundreds.
func TestASlotHoldsAnyNumber(t *testing.T) {
	s := begin(t, props.Stack, 0)
	const n = 700
	for i := range n {
		s.do(fmt.Sprintf("push(%d) 0@1", i+1))
	}
	for i := range n {
		s.do(fmt.Sprintf("pop() %d@1", n-i))
	}
	if got := s.describe(); got != "slot 0 [], slot 1 []" {
		t.Error(got)
	}
}
