package report

import (
	"cmp"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// Story is a run, transition by transition.
type Story struct {
	Program string `json:"program"`
	Kernel  string `json:"kernel"`
	CPUs    int    `json:"cpus"`
	Steps   []Step `json:"steps"`
	// Calls are the threads' calls, in the order in which they began.
	Calls []Call `json:"calls"`
	// Broken is the property that the run broke, and Message how; empty if it
	// broke none.
	Broken  string `json:"broken,omitempty"`
	Message string `json:"message,omitempty"`
	// Done says that every thread has ended.
	Done bool `json:"done"`
}

// Step is a transition.
type Step struct {
	N      int    `json:"n"`      // counts from 1
	Choice string `json:"choice"` // as in a schedule
	CPU    int    `json:"cpu"`    // -1: none
	Thread int    `json:"thread"` // -1: none
	// Running is the thread on each CPU after it; -1: none.
	Running []int `json:"running"`
	// Where and Instr are the instruction that ran, if one did, and Line is its
	// line in the program's text. Of an instruction that another CPU can see
	// the middle of, Instr is the part that ran.
	Where string `json:"where,omitempty"`
	Line  int    `json:"line,omitempty"`
	Instr string `json:"instr,omitempty"`
	// Machine is the machine code that Instr was lifted from, if it was.
	Machine string `json:"machine,omitempty"`
	// Begins is the call that began with it, Returns what the call that ended
	// with it returned.
	Begins  string `json:"begins,omitempty"`
	Returns string `json:"returns,omitempty"`
	// Goes is where a branch that was taken went.
	Goes string `json:"goes,omitempty"`
	// Registers are those that the instruction wrote, Memory is what it stored
	// and what has another value now.
	Registers []Change `json:"registers,omitempty"`
	Memory    []Change `json:"memory,omitempty"`
	// Notes say what the kernel did.
	Notes []string `json:"notes,omitempty"`

	kills []string // those of the notes that say why a process ended
}

// words are the instruction as the reader wrote it: in machine code, if that is
// where it comes from.
func (s *Step) words() string { return cmp.Or(s.Machine, s.Instr) }

// Change is a place's value, now that it was written.
type Change struct {
	Place string `json:"place"`
	Value string `json:"value"`
	// Same says that it had that value before: a store that changed nothing.
	Same bool `json:"same,omitempty"`
}

// Call is a call of a thread's script.
type Call struct {
	Thread int    `json:"thread"`
	Name   string `json:"name"` // as the program writes it: push(n1, 3)
	First  int    `json:"first"`
	// Last is the transition that ended it, 0 if none did, and Returns what it
	// returned.
	Last    int    `json:"last,omitempty"`
	Returns string `json:"returns,omitempty"`
}

// Tell follows a schedule on a fresh machine and writes down what happens. The
// error, if any, is that of [explore.Schedule.Follow]; the story goes up to
// there.
func Tell(m *emu.Machine, s *explore.Schedule, factories []explore.Factory) (*Story, error) {
	t := newTeller(m, nil)
	out, err := s.Follow(m, t.watch(factories), t.observe)
	return t.finish(out), err
}

// TellRun has a chooser drive a fresh machine, as [explore.Run] does, and writes
// down what happens. It also returns the run's schedule. Each, which may be nil,
// is told each step as it happens.
func TellRun(m *emu.Machine, factories []explore.Factory, ch explore.Chooser, steps int, each func(*Story, *Step)) (*Story, *explore.Outcome, error) {
	t := newTeller(m, each)
	out, err := explore.Run(m, t.watch(factories), ch, steps, t.observe)
	if err != nil {
		return nil, nil, err
	}
	return t.finish(out), out, nil
}
