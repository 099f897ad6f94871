package report

import "strings"

// part of a story as it is told: one step, or several in a line.
type part struct {
	steps []Step
	kind  partKind
}

type partKind uint8

const (
	told    partKind = iota // one step
	folded                  // a whole call that nothing came between
	leftOut                 // the middle of a very long story
)

// briefMost is how many parts a brief story has; the rest is left out.
const briefMost = 400

// parts divides the story into what is told one by one. A brief one folds the
// calls that ran from their beginning to their end with nothing between, but for
// the last, which is what a counterexample is about.
func (s *Story) parts(brief bool) []part {
	var out []part
	for i := 0; i < len(s.Steps); {
		n := 1
		kind := told
		if brief {
			if k := s.undisturbed(i); k > 1 && i+k < len(s.Steps) {
				n, kind = k, folded
			}
		}
		out = append(out, part{s.Steps[i : i+n], kind})
		i += n
	}
	if over := len(out) - briefMost; brief && over > 1 {
		from, to := briefMost/2, briefMost/2+over
		middle := part{kind: leftOut}
		for _, p := range out[from:to] {
			middle.steps = append(middle.steps, p.steps...)
		}
		out = append(append(out[:from:from], middle), out[to:]...)
	}
	return out
}

// undisturbed returns how many steps the call that begins with step i takes if
// it ends with nothing between, and 0 otherwise.
func (s *Story) undisturbed(i int) int {
	first := &s.Steps[i]
	if first.Begins == "" {
		return 0
	}
	for n := i; n < len(s.Steps); n++ {
		step := &s.Steps[n]
		if step.Choice != first.Choice || n > i && step.Begins != "" {
			return 0
		}
		if step.Returns != "" {
			return n - i + 1
		}
		if len(step.Notes) > 0 {
			return 0
		}
	}
	return 0
}

func (t *printer) part(p part) {
	switch p.kind {
	case told:
		t.step(&p.steps[0])
	case leftOut:
		t.line("%s%s", t.blank(), t.st.Dim("… "+Count(len(p.steps), "transition")+" left out …"))
	case folded:
		t.folded(p.steps)
	}
}

// folded tells a call in one line: what it left in memory and what it returned.
func (t *printer) folded(steps []Step) {
	last := &steps[len(steps)-1]
	var effect []string
	for _, c := range net(steps) {
		effect = append(effect, c.Place+" = "+c.Value)
	}
	effect = append(effect, "returns "+last.Returns)
	effect = append(effect, last.Notes...)
	t.line("%s%s %s %s", t.gutter(&steps[0]), t.st.Bold(steps[0].Begins),
		t.st.Dim("…"+" "+Count(len(steps), "step")+" undisturbed:"), strings.Join(effect, "; "))
}

// net is what is left of the changes of memory, without the thread's own area.
func net(steps []Step) []Change {
	var out []Change
	for _, s := range steps {
	next:
		for _, c := range s.Memory {
			if c.Same || strings.HasPrefix(c.Place, "rseq_cs of ") {
				continue
			}
			for i := range out {
				if out[i].Place == c.Place {
					out[i].Value = c.Value
					continue next
				}
			}
			out = append(out, c)
		}
	}
	return out
}
