package trial

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/live"
	"github.com/rseqemu/rseqemu/lift"
	"github.com/rseqemu/rseqemu/lift/elf"
)

// Trial is a section, and a program that runs it.
type Trial struct {
	Section int    // index into the object's descriptors
	Name    string // of the function that holds the section, with a number if it has several
	Where   string // start_ip in the file
	// LiveIns are the registers that the section reads before it writes them.
	LiveIns []ir.Reg
	// Program runs the section; nil if Err says why there is none.
	Program *ir.Program
	Err     error
}

// ErrNoInputs says that nothing was found with which the section commits.
var ErrNoInputs = errors.New("no inputs were found with which the section reaches its end and changes something: write a program that calls its function")

// ErrNoStore says that the section reached its end, and no store was made in it.
var ErrNoStore = errors.New("it reaches its end and has stored nothing: whatever it is for isn't done")

// Of returns a trial of each section of a file, in the order of its descriptors;
// with a name, of those of that function or of that name.
func Of(o *elf.Object, name string) ([]Trial, error) {
	names := namesOf(o)
	var trials []Trial
	for i, d := range o.CS {
		start := ir.Addr(d.CS.StartIP)
		if name != "" && name != names[i] && name != holder(o, start) {
			continue
		}
		t := Trial{Section: i, Name: names[i], Where: o.Where(start)}
		t.Program, t.LiveIns, t.Err = program(o, i, t.Name)
		if errors.Is(t.Err, ErrNoInputs) {
			t.Err = fmt.Errorf("it reads %s, and %w", Names(o, t.LiveIns), t.Err)
		}
		trials = append(trials, t)
	}
	switch {
	case len(trials) > 0:
		return trials, nil
	case name != "":
		return nil, fmt.Errorf("%s: no critical section begins in %q", o.Name, name)
	}
	return nil, fmt.Errorf("%s: there are no critical sections in it", o.Name)
}

// holder is what a section is called after: the function that holds its start, or
// the place.
func holder(o *elf.Object, start ir.Addr) string {
	if sym, ok := o.SymbolContaining(start); ok && sym.Func {
		return sym.Name
	}
	return o.Where(start)
}

// namesOf names each section: push, and push.1, push.2 if the function has several.
func namesOf(o *elf.Object) []string {
	count, nth := map[string]int{}, map[string]int{}
	names := make([]string, len(o.CS))
	for i, d := range o.CS {
		names[i] = holder(o, ir.Addr(d.CS.StartIP))
		count[names[i]]++
	}
	for i, name := range names {
		if nth[name]++; count[name] > 1 {
			names[i] = fmt.Sprintf("%s.%d", name, nth[name])
		}
	}
	return names
}

// objects are what addresses are given of: three, of so many words each.
const (
	objects     = 3
	objectWords = 16
	cells       = "cell"
)

// stack is the room for a thread's stack: a frame above the stack pointer, and
// below it signal frames.
const stack = 8 * lift.AloneFrame

// base returns the program around a section.
func base(name string, init []ir.Value) *ir.Program {
	p := ir.NewProgram(name)
	p.Var(ir.Global, cells, ir.W8, objects*objectWords, init...)
	p.Add(ir.NewFunc("on_signal").Do(ir.Return()))
	p.Handle(abi.SIGUSR1, "on_signal")
	p.Thread(ir.Do(lift.AloneFunc))
	p.Setup.StackSize = stack
	p.Setup.Budget = ir.Budget{{Event: "preempt", Max: 1}, {Event: "migrate", Max: 1}, {Event: "signal", Max: 1}}
	return p
}

// program finds inputs for a section and returns the program that tries it, in
// four steps: (1) lift it without inputs, (2) see which it has, (3) find some
// with which it commits, (4) lift it with those, and say what must hold.
func program(o *elf.Object, section int, name string) (*ir.Program, []ir.Reg, error) {
	draft, _, err := lift.Alone(o, section, nil, base(name, nil))
	if err != nil {
		return nil, nil, err
	}
	im, err := ir.Link(draft, o.Arch)
	if err != nil {
		return nil, nil, err
	}
	ins := liveIns(im)
	s := newSearch(im, ins)
	found, ok := s.find()
	switch {
	case !ok && s.empty:
		return nil, ins, ErrNoStore
	case !ok:
		return nil, ins, ErrNoInputs
	}
	b := base(name, found.memory())
	p, exits, err := lift.Alone(o, section, found.inputs(), b)
	if err != nil {
		return nil, ins, err
	}
	p.Checks = append(p.Checks, ir.Check{When: ir.Finally, Cond: found.holds(im)})
	f := &p.Funcs[len(p.Funcs)-1]
	f.Notes.Lead = append(f.Notes.Lead,
		fmt.Sprintf("The critical section of %s at %s, alone. It reads %s.", name, o.Where(ir.Addr(o.CS[section].CS.StartIP)), Names(o, ins)),
		fmt.Sprintf("It returns 0 at its end; elsewhere: %s.", places(o, exits)))
	return p, ins, nil
}

// liveIns returns the registers that the section reads before it writes them.
func liveIns(im *ir.Image) []ir.Reg {
	f, _ := im.Func(lift.AloneFunc)
	facts := live.Of(im)
	var ins []ir.Reg
	for _, l := range f.Labels {
		if l.Name != "start" {
			continue
		}
		for r := ir.R0; r <= ir.R31; r++ {
			if facts.At(l.Addr)&live.Set(ir.RegsOf(r)) != 0 && r != ir.SP && r != ir.LR {
				ins = append(ins, r)
			}
		}
	}
	return ins
}

// Names lists registers under the file's architecture's names.
func Names(o *elf.Object, regs []ir.Reg) string {
	if len(regs) == 0 {
		return "no register that it hasn't written"
	}
	var s []string
	for _, r := range regs {
		s = append(s, lift.RegisterName(o.Arch, r))
	}
	return strings.Join(s, ", ")
}

// places lists exits.
func places(o *elf.Object, exits []lift.Exit) string {
	var s []string
	for _, e := range exits {
		if e.Result != lift.Committed {
			s = append(s, fmt.Sprintf("%d at %s", e.Result, o.Where(e.Addr)))
		}
	}
	if len(s) == 0 {
		return "it is left nowhere else"
	}
	return strings.Join(s, ", ")
}
