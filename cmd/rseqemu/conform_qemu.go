package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/native"
	"github.com/rseqemu/rseqemu/native/boot"
)

// qemu runs cases on a kernel image: this program is the init of a machine that
// QEMU emulates, runs conform --target native there, and sends the results as
// lines.
func (r *conformRun) qemu(ctx context.Context, args []string) error {
	f := r.flags
	if f.kernel == "" {
		return errors.New("--target qemu needs --kernel IMAGE, a vmlinuz (rseqemu kernels fetch gets one)")
	}
	if err := checkRecord(f.record); err != nil {
		return err
	}
	arch, err := boot.ArchOf(f.kernel)
	if err != nil {
		return err
	}
	init := f.init
	if init == "" {
		if init, err = os.Executable(); err != nil {
			return err
		}
	}
	m := &boot.Machine{Kernel: f.kernel, Arch: arch, CPUs: native.GuestCPUs, Env: native.GuestEnv(), Files: map[string]string{}}
	return r.received(ctx, m, init, r.guestCommand(m, args))
}

// guestCommand is the command line in the guest, where files that it names are put.
func (r *conformRun) guestCommand(m *boot.Machine, args []string) []string {
	f := r.flags
	put := func(file string) string {
		inGuest := "/files/" + filepath.Base(file)
		m.Files[inGuest] = file
		return inGuest
	}
	command := []string{"", "conform", "--target", "native", "--format", "jsonl"}
	if f.debug {
		command = append(command, "--debug")
	}
	if strings.HasSuffix(f.against, ".json") {
		command = append(command, "--against", put(f.against))
	} else if f.against != "" {
		command = append(command, "--against", f.against)
	}
	for _, arg := range args {
		if strings.HasSuffix(arg, ".txtar") {
			arg = put(arg)
		}
		command = append(command, arg)
	}
	return command
}

// received runs the guest and takes its results as they come.
func (r *conformRun) received(ctx context.Context, m *boot.Machine, init string, command []string) error {
	pr, pw := io.Pipe()
	var stderr bytes.Buffer
	var code int
	ended := make(chan error, 1)
	go func() {
		var err error
		code, err = m.Run(ctx, init, command, pw, &stderr)
		pw.Close()
		ended <- err
	}()
	lines := bufio.NewReader(pr)
	var head conformHead
	first, _ := lines.ReadBytes('\n')
	badHead := json.Unmarshal(first, &head)
	var err error
	if badHead == nil {
		rec := conform.NewRecording(head.Kernel, head.Uname)
		rec.Config = configBeside(m.Kernel)
		err = r.results(ctx, head, r.decoded(lines), rec)
	}
	io.Copy(io.Discard, lines)
	failed := <-ended
	said := strings.TrimPrefix(oneLine(stderr.String()), "rseqemu: ")
	var guest *boot.Error
	switch {
	case errors.As(failed, &guest):
		for _, l := range guest.Console {
			r.err.printf("  | %s\n", l)
		}
		return failed
	case failed != nil:
		return failed
	case badHead != nil || code == exitNoAnswer:
		return fmt.Errorf("%s: rseqemu ended in the guest with %d: %s", m.Kernel, code, said)
	case said != "":
		r.err.printf("rseqemu: %s\n", said)
	}
	return err
}

// decoded reads results, and gives each its case.
func (r *conformRun) decoded(lines *bufio.Reader) iter.Seq[conform.Result] {
	byName := map[string]*conform.Case{}
	for i := range r.cases {
		byName[r.cases[i].Name] = &r.cases[i]
	}
	return func(yield func(conform.Result) bool) {
		for {
			line, err := lines.ReadBytes('\n')
			var res conform.Result
			if err != nil || json.Unmarshal(line, &res) != nil {
				return
			}
			if c := byName[res.Case.Name]; c != nil {
				res.Case = c
			}
			if !yield(res) {
				return
			}
		}
	}
}

// configured are the switches that a recording tells of.
var configured = regexp.MustCompile(`^(?:# )?(CONFIG_(?:RSEQ\w*|DEBUG_RSEQ|\w*SLICE_EXTENSION|GENERIC_(?:IRQ_)?ENTRY|PREEMPT\w*|SCHED_MM_CID|MEMBARRIER|NUMA|HZ))(?:=(\w+)| is not set)$`)

// configBeside returns the switches of an image whose package had its config,
// which is beside it: config-… for vmlinuz-…, or config.
func configBeside(image string) map[string]string {
	dir, base := filepath.Split(image)
	for _, name := range []string{strings.Replace(base, "vmlinuz", "config", 1), "config"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || name == base {
			continue
		}
		all := map[string]string{}
		for line := range strings.Lines(string(data)) {
			if m := configured.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				all[m[1]] = m[2]
				if m[2] == "" {
					all[m[1]] = "n"
				}
			}
		}
		return all
	}
	return nil
}
