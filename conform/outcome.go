package conform

import (
	"fmt"
	"slices"
	"strings"
)

// Outcome is a target's answer to a case, in the field's words: numbers that
// depend on the machine (addresses, CPU numbers) are names.
type Outcome struct {
	// Calls are what the first thread's calls returned: 0, EBUSY, op.abort.
	Calls []string `json:"calls,omitempty"`
	// Second are what the second thread's calls returned, unless the process was
	// killed.
	Second []string `json:"second,omitempty"`
	// Children are what the tasks that it made returned, in their order.
	Children []string `json:"children,omitempty"`
	// End is how the thread ended if not by finishing: "SIGSEGV at op.inside".
	End string `json:"end,omitempty"`
	// Blind says that no more than the signal at the beginning of End is known:
	// nobody was there to look.
	Blind bool `json:"blind,omitempty"`
	// Missed are the stops that the thread didn't get to.
	Missed []string `json:"missed,omitempty"`
	// Looks are what was seen in stops.
	Looks []Looked `json:"looks,omitempty"`
	// Seen is what was seen at the end.
	Seen []Seen `json:"seen,omitempty"`
}

// Looked is what was seen in a stop.
type Looked struct {
	At   string `json:"at"`
	Seen []Seen `json:"seen"`
}

// Seen is an observation and its value; in a recording, "rseq_cs=op_cs".
type Seen struct{ What, Value string }

// MarshalText implements [encoding.TextMarshaler].
func (s Seen) MarshalText() ([]byte, error) { return []byte(s.What + "=" + s.Value), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Seen) UnmarshalText(b []byte) error {
	what, value, ok := strings.Cut(string(b), "=")
	if !ok {
		return fmt.Errorf("%q is no observation with its value", b)
	}
	*s = Seen{what, value}
	return nil
}

// String returns the outcome in one line.
func (o Outcome) String() string {
	var out []string
	add := func(what, value string) {
		if value != "" {
			out = append(out, what+" "+value)
		}
	}
	add("calls return", strings.Join(o.Calls, ", "))
	add("the second thread's return", strings.Join(o.Second, ", "))
	add("children return", strings.Join(o.Children, ", "))
	add("ends with", o.End)
	add("never gets to", strings.Join(o.Missed, ", "))
	for _, l := range o.Looks {
		out = append(out, "at "+l.At+": "+seen(l.Seen))
	}
	add("then", seen(o.Seen))
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, "; ")
}

func seen(all []Seen) string {
	var out []string
	for _, s := range all {
		out = append(out, s.What+"="+s.Value)
	}
	return strings.Join(out, " ")
}

// Equal reports whether two outcomes are the same; none and empty are, and so are
// a value that may be one of two and either of them, and an end of which nothing
// but the signal is known and every one with that signal.
func (o Outcome) Equal(p Outcome) bool {
	if o.Blind || p.Blind {
		return signalOf(o.End) == signalOf(p.End)
	}
	return slices.Equal(o.Calls, p.Calls) && slices.Equal(o.Second, p.Second) && slices.Equal(o.Children, p.Children) &&
		o.End == p.End && slices.Equal(o.Missed, p.Missed) && slices.EqualFunc(o.Seen, p.Seen, Seen.same) &&
		slices.EqualFunc(o.Looks, p.Looks, func(a, b Looked) bool {
			return a.At == b.At && slices.EqualFunc(a.Seen, b.Seen, Seen.same)
		})
}

// same reports whether two observations are of the same and may be equal.
func (s Seen) same(t Seen) bool { return s.What == t.What && sameValue(s.Value, t.Value) }

// signalOf is what an end begins with.
func signalOf(end string) string {
	signal, _, _ := strings.Cut(end, " at ")
	return signal
}

// sameValue compares values, of which one can be "0 or c1".
func sameValue(a, b string) bool {
	for x := range strings.SplitSeq(a, " or ") {
		for y := range strings.SplitSeq(b, " or ") {
			if x == y {
				return true
			}
		}
	}
	return false
}

// Diff says in which respects an outcome isn't the one that is wanted, a line
// each; nothing if it is.
func (o Outcome) Diff(want Outcome) string {
	var b strings.Builder
	line := func(what, got, want string) {
		if got != want {
			fmt.Fprintf(&b, "%s: %s, want %s\n", what, orNothing(got), orNothing(want))
		}
	}
	if o.Blind || want.Blind {
		line("ends with", signalOf(o.End), signalOf(want.End))
		return b.String()
	}
	line("calls return", strings.Join(o.Calls, ", "), strings.Join(want.Calls, ", "))
	line("the second thread's calls return", strings.Join(o.Second, ", "), strings.Join(want.Second, ", "))
	line("children return", strings.Join(o.Children, ", "), strings.Join(want.Children, ", "))
	line("ends with", o.End, want.End)
	line("never gets to", strings.Join(o.Missed, ", "), strings.Join(want.Missed, ", "))
	for i := range max(len(o.Looks), len(want.Looks)) {
		var g, w Looked
		if i < len(o.Looks) {
			g = o.Looks[i]
		}
		if i < len(want.Looks) {
			w = want.Looks[i]
		}
		line("the point looked at", g.At, w.At)
		diffSeen(g.Seen, w.Seen, func(what, got, want string) { line("at "+w.At+": "+what, got, want) })
	}
	diffSeen(o.Seen, want.Seen, line)
	return b.String()
}

// diffSeen compares observations, which both sides list in the case's order.
func diffSeen(got, want []Seen, line func(what, got, want string)) {
	for i := range max(len(got), len(want)) {
		var g, w Seen
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !sameValue(g.Value, w.Value) {
			line(max(g.What, w.What), g.Value, w.Value)
		}
	}
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
