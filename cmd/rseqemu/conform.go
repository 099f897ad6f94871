package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/native"
	"github.com/spf13/cobra"
)

const conformLong = `Conform asks an implementation of rseq what it does, case by case, and holds the
answers against those of a kernel.

Targets:
  emu     the emulator, by the rules of --kernel: a name, or several with commas,
          which are then set side by side (see rseqemu kernels)
  native  the kernel under this program: machine code, run under ptrace and
          interrupted at exact instructions (linux/amd64, linux/arm64; no root
          needed). Without ptrace the cases that need it are skipped
  qemu    the kernel image of --kernel, booted under QEMU

The answers of native and qemu are held against the emulator's rules of the same
release, or the closest known, unless --against names other rules or a recording.
A case that disagrees is run again, and the repeats are told.

CASES are names of cases, patterns such as 'CS.*' or 'STALE.sleep*', or files of
cases (.txtar); without any all cases run.

A file for --expect has a line for each known deviation, "CASE # reason". A new
deviation is a failure, and so is one that is gone.`

// conformFlags are those of conform.
type conformFlags struct {
	target, kernel, against string
	format, expect, record  string
	init, part, boot        string
	debug, list             bool
}

func (a *app) conformCmd() *cobra.Command {
	f := &conformFlags{}
	cmd := &cobra.Command{
		Use:   "conform [CASES...]",
		Short: "Hold an implementation of rseq against Linux, case by case",
		Long:  conformLong + "\n\n" + exitCodes,
		Example: `  rseqemu conform --kernel 6.18,6.19 'STALE.*'             in what do two kernels differ?
  rseqemu conform --target native                         does this kernel do as its release?
  rseqemu conform --target native --format ktap           for kernel CI
  rseqemu conform --target qemu --kernel boot/vmlinuz      any kernel image
  rseqemu conform --target native --against 7.3 --expect mine.xfail`,
		ValidArgsFunction: completeCases,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.conform(cmd.Context(), f, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.target, "target", "emu", "what is asked: emu, native or qemu")
	fl.StringVar(&f.kernel, "kernel", "", "emu: kernels' names (default: one of each family); qemu: the image's path")
	fl.StringVar(&f.against, "against", "", "a kernel's name or a recording's file to hold the answers against")
	fl.StringVar(&f.format, "format", "table", "table, ktap, junit, json, or jsonl: a line for each case as it ends")
	fl.StringVar(&f.expect, "expect", "", "a file of known deviations")
	fl.StringVar(&f.record, "record", "", "write the answers of native or qemu to this file")
	fl.StringVar(&f.init, "init", "", "qemu: a static rseqemu for the image's architecture (default: this program)")
	fl.StringVar(&f.boot, "append", "", "qemu: more of the kernel's command line, such as rseq_slice_ext=0")
	fl.BoolVar(&f.debug, "debug", false, "native and qemu: turn rseq's debug mode on before (6.19 and later, as root)")
	fl.BoolVar(&f.list, "list", false, "list the cases and what they show, and run nothing")
	fl.StringVar(&f.part, "part", "", "which of the guests this is: 0/2")
	fl.MarkHidden("part")
	complete(cmd, "target", "emu", "native", "qemu")
	complete(cmd, "format", conformFormats...)
	return cmd
}

var conformFormats = []string{"table", "ktap", "junit", "json", "jsonl"}

func (a *app) conform(ctx context.Context, f *conformFlags, args []string) error {
	if a.asJSON {
		f.format = "json"
	}
	if !slices.Contains(conformFormats, f.format) {
		return fmt.Errorf("--format is %s, not %q", strings.Join(conformFormats, ", "), f.format)
	}
	cases, err := a.chooseCases(args)
	if err != nil {
		return err
	}
	if f.list {
		return a.listCases(f, cases)
	}
	if f.part != "" {
		var i, n int
		if _, err := fmt.Sscanf(f.part, "%d/%d", &i, &n); err != nil || i < 0 || i >= n {
			return fmt.Errorf("--part is 0/2 or 1/2, not %q", f.part)
		}
		cases = parts(cases, n)[i]
	}
	known, err := readDeviations(f.expect)
	if err != nil {
		return err
	}
	run := &conformRun{app: a, flags: f, cases: cases, known: known}
	switch f.target {
	case "emu":
		return run.emulated(ctx)
	case "native":
		return run.native(ctx)
	case "qemu":
		return run.qemu(ctx, args)
	}
	return fmt.Errorf("--target is emu, native or qemu, not %q", f.target)
}

// chooseCases returns the cases that the arguments name.
func (a *app) chooseCases(args []string) (cases []conform.Case, err error) {
	if len(args) == 0 {
		return conform.Cases(), nil
	}
	seen := map[string]bool{}
	add := func(all []conform.Case) {
		for _, c := range all {
			if !seen[c.Name] {
				seen[c.Name] = true
				cases = append(cases, c)
			}
		}
	}
	for _, arg := range args {
		if strings.HasSuffix(arg, ".txtar") {
			src, err := os.ReadFile(arg)
			if err != nil {
				return nil, cause(arg, err)
			}
			all, err := conform.Parse(arg, src)
			if err != nil {
				return nil, badInput{err, src}
			}
			add(all)
			continue
		}
		var found []conform.Case
		for _, c := range conform.Cases() {
			family, _, _ := strings.Cut(c.Name, "@")
			ok, err := path.Match(arg, c.Name)
			if err != nil {
				return nil, fmt.Errorf("%q is no pattern of cases' names", arg)
			}
			if ok || family == arg || c.Group() == arg {
				found = append(found, c)
			}
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("there is no case %q (rseqemu conform --list)", arg)
		}
		add(found)
	}
	return cases, nil
}

func readDeviations(name string) (*conform.Deviations, error) {
	if name == "" {
		return &conform.Deviations{}, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, cause(name, err)
	}
	return conform.ReadDeviations(name, data)
}

// conformRun is a run of cases.
type conformRun struct {
	*app
	flags *conformFlags
	cases []conform.Case
	known *conform.Deviations
}

// emulated runs cases on the emulator: against other rules, or several kernels
// side by side.
func (r *conformRun) emulated(ctx context.Context) error {
	f := r.flags
	switch {
	case f.debug:
		return errors.New("--debug is for native and qemu; for the emulator it is a part of the kernel's name: --kernel 7.3/debug")
	case f.record != "":
		return errors.New("--record is for native and qemu: what the emulator answers is no measurement")
	case f.init != "" || f.boot != "":
		return errors.New("--init and --append are for qemu")
	}
	kernels := emu.DefaultKernels()
	if f.kernel != "" {
		var err error
		if kernels, err = r.kernelSet(f.kernel); err != nil {
			return err
		}
	}
	if f.against == "" {
		if f.expect != "" {
			return errors.New("--expect needs --against")
		}
		return r.sideBySide(ctx, kernels)
	}
	if len(kernels) != 1 || f.kernel == "" {
		return errors.New("--against holds one kernel against another: add --kernel NAME")
	}
	want, err := r.holdAgainst(f.against, emu.Kernel{})
	if err != nil {
		return err
	}
	return r.check(ctx, conform.Emulator(kernels[0]), want, nil)
}

// holdAgainst is what answers are held against: the rules of a kernel, a recording,
// or if nothing is named the rules of the kernel itself.
func (a *app) holdAgainst(name string, self emu.Kernel) (conform.Target, error) {
	switch {
	case name == "":
		return conform.Emulator(self), nil
	case strings.HasSuffix(name, ".json"):
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, cause(name, err)
		}
		return conform.ReadRecording(name, data)
	}
	k, err := a.kernel(name)
	if _, stat := os.Stat(name); err != nil && stat == nil {
		err = fmt.Errorf("%w; the name of a recording's file ends in .json, a proposal's in .kernel", err)
	}
	return conform.Emulator(k), err
}

// native runs cases on the kernel under this program.
func (r *conformRun) native(ctx context.Context) error {
	f := r.flags
	switch {
	case f.kernel != "":
		return errors.New("--kernel is for emu and qemu: native runs on the kernel under it, and --against says what it is held against")
	case f.init != "" || f.boot != "":
		return errors.New("--init and --append are for qemu")
	}
	if err := checkRecord(f.record); err != nil {
		return err
	}
	target, err := native.New()
	if err != nil {
		return err
	}
	if why := target.Untraced(); why != nil {
		r.err.printf("rseqemu: nothing can be traced here, and cases that need it are skipped: %v\n", why)
	}
	if f.debug {
		if err := native.TurnDebugOn(); err != nil {
			return err
		}
	}
	arch, err := abi.ParseArch(runtime.GOARCH)
	if err != nil {
		return err
	}
	k, exact, err := emu.Closest(target.Release(), arch)
	if err != nil && f.against == "" {
		return fmt.Errorf("%w: say with --against what to hold it against", err)
	}
	if built := target.BuiltWith(); built != "" && err == nil {
		if k, err = emu.ParseKernel(k.String() + built); err != nil && f.against == "" {
			return err
		}
	}
	k.Debug = f.debug
	if !exact && f.against == "" {
		r.err.printf("rseqemu: Linux %s isn't known: held against %v\n", target.Release(), k)
	}
	want, err := r.holdAgainst(f.against, k)
	if err != nil {
		return err
	}
	// Cases register areas of either version: a recording is of both.
	name := target.Release() + strings.Replace(strings.TrimPrefix(k.String(), k.Release), "/v2", "", 1)
	return r.check(ctx, target, want, conform.NewRecording(name, target.Uname()))
}
