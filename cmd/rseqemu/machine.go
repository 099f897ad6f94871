package main

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/spf13/cobra"
)

// machineFlags are the flags that describe a machine and bound its runs.
type machineFlags struct {
	cpus   int
	budget string
	idle   bool
	memory string
	steps  int
}

func (f *machineFlags) add(cmd *cobra.Command) {
	f.addMachine(cmd)
	cmd.Flags().IntVar(&f.steps, "steps", explore.DefaultSteps, "transitions that a run may take")
	cmd.RegisterFlagCompletionFunc("steps", cobra.NoFileCompletions)
}

// addMachine adds the flags of the machine alone.
func (f *machineFlags) addMachine(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.IntVar(&f.cpus, "cpus", 0, "number of CPUs (default: the program's, else 2)")
	fl.StringVar(&f.budget, "budget", "", "kernel events a run: preempt=2,migrate=1,signal=0; none clears the others\n(default: the program's, else preempt=2,migrate=2)")
	fl.BoolVar(&f.idle, "idle", false, "leave the CPUs idle at the start, so that the first placement is a choice too")
	fl.StringVar(&f.memory, "memory", "sc", "memory order: sc, tso (x86, s390x) or arm (arm64, riscv64)")
	cmd.RegisterFlagCompletionFunc("budget", completeBudget)
	cmd.RegisterFlagCompletionFunc("cpus", cobra.NoFileCompletions)
	complete(cmd, "memory", "sc", "tso", "arm")
}

// config is the machine for a program, without its kernel.
func (f *machineFlags) config(p *program) (emu.Config, error) {
	cfg := emu.Config{CPUs: f.cpus, Idle: f.idle}
	var err error
	if cfg.Memory, err = emu.ParseMemoryModel(f.memory); err != nil {
		return cfg, fmt.Errorf("--memory: %w", err)
	}
	switch {
	case f.cpus < 0 || f.cpus > emu.MaxCPUs:
		return cfg, fmt.Errorf("--cpus %d is out of range (1..%d)", f.cpus, emu.MaxCPUs)
	case f.steps < 1:
		return cfg, fmt.Errorf("--steps %d is out of range (1 and up)", f.steps)
	}
	if f.budget == "" {
		return cfg, nil
	}
	b, err := emu.DefaultBudget.With(p.Setup.Budget)
	if err != nil {
		// emu.New says it with its place.
		return cfg, nil
	}
	if b, err = explore.ParseBudget(b, f.budget); err != nil {
		return cfg, fmt.Errorf("--budget: %w", err)
	}
	cfg.Budget = &b
	return cfg, nil
}

// newest is the newest of the kernel families that a program claims.
func newest(p *program) (emu.Kernel, error) {
	ks, err := explore.Claimed(p.Program)
	if err != nil {
		return emu.Kernel{}, p.bad(err)
	}
	if len(ks) == 0 {
		ks = emu.DefaultKernelsOn(p.Setup.Arch)
	}
	return ks[len(ks)-1], nil
}

// kernelOr is the kernel of that name; without one it is the program's newest.
func (a *app) kernelOr(name string, p *program) (emu.Kernel, error) {
	if name == "" {
		return newest(p)
	}
	return a.kernel(name)
}
