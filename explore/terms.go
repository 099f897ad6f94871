package explore

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
)

// Term is one of the things that what a sweep finds out depends on. Two sweeps of
// the same terms find out the same, so that one can go on where the other was
// stopped, and each can do a part of the work.
type Term struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Terms are those of the sweep: the program, the kernels, the machine, the budget,
// the properties, the reductions and the limits that change what is found. The
// numbers of states and of workers aren't among them. There is no term for the
// version of the software: who compares terms adds one.
func (s *Sweep) Terms() ([]Term, error) {
	findings, machines, err := s.prepare()
	if err != nil {
		return nil, err
	}
	terms := []Term{{"program", Fingerprint(s.Program)}, {"kernels", kernelNames(s.Options.Kernels)}}
	// Whatever a machine's configuration will ever have is a term.
	cfg := s.Options.Config
	cfg.CPUs = machines[0].CPUs()
	for v, i := reflect.ValueOf(cfg), 0; i < v.NumField(); i++ {
		if name := v.Type().Field(i).Name; name != "Kernel" && name != "Budget" {
			terms = append(terms, Term{strings.ToLower(name), fmt.Sprint(v.Field(i).Interface())})
		}
	}
	w, err := newWorld(machines[0].Fork(), s.Options.Properties)
	if err != nil {
		return nil, err
	}
	var properties []string
	for _, p := range w.props {
		properties = append(properties, fmt.Sprintf("%T", p))
	}
	terms = append(terms, Term{"budget", machines[0].Budget().String()}, Term{"properties", strings.Join(properties, ",")})
	if s.Random > 0 {
		terms = append(terms, Term{"random runs", fmt.Sprint(s.Random)}, Term{"seed", fmt.Sprint(s.Seed)})
		chooser := s.sampler().String()
		if p, ok := s.sampler().(*PCTSampler); ok {
			chooser += fmt.Sprintf(" of depth %d", p.fixed)
		}
		terms = append(terms, Term{"chooser", chooser})
	} else {
		var reduced []string
		for i := range findings {
			_, r, err := newReduced(machines[i], s.Options.Properties, s.Options.Limits.Without)
			if err != nil {
				return nil, err
			}
			reduced = append(reduced, r.Set().String())
		}
		l := s.Options.Limits
		terms = append(terms, Term{"reductions", strings.Join(reduced, " ")}, Term{"bits", fmt.Sprint(l.Bits)},
			Term{"exact", fmt.Sprint(l.Exact)}, Term{"failures", fmt.Sprint(max(l.Failures, 1))})
	}
	terms = append(terms, Term{"steps", fmt.Sprint(s.Options.Limits.steps())})
	if s.Shard.Of > 0 {
		terms = append(terms, Term{"shard", s.Shard.String()})
	}
	return terms, nil
}

// Difference says in which term two sweeps differ first; "" if in none.
func Difference(here, there []Term) string {
	for i, h := range here {
		switch {
		case i >= len(there) || there[i].Name != h.Name:
			return fmt.Sprintf("it has no %s, which is %q here", h.Name, h.Value)
		case there[i] != h:
			return fmt.Sprintf("its %s is %q, not %q", h.Name, there[i].Value, h.Value)
		}
	}
	if len(there) > len(here) {
		return fmt.Sprintf("its %s is %q, and there is none here", there[len(here)].Name, there[len(here)].Value)
	}
	return ""
}

func kernelNames(ks []emu.Kernel) string {
	var names []string
	for _, k := range ks {
		names = append(names, k.Spec())
	}
	return strings.Join(names, ",")
}
