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
	"time"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/native"
	"github.com/rseqemu/rseqemu/native/boot"
)

// qemu runs cases on a kernel image: this program is the init of two machines that
// QEMU emulates, runs conform --target native there, each a part of the cases, and
// sends the results as lines.
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
	all := parts(r.cases, guests)
	streams := make([]*guest, guests)
	for i := range streams {
		if len(all[i]) == 0 {
			continue
		}
		m := &boot.Machine{Kernel: f.kernel, Arch: arch, CPUs: native.GuestCPUs, Env: native.GuestEnv(), Files: map[string]string{}, Append: f.boot}
		// A slice is over after 50 µs, in which an emulated CPU hardly gets anywhere.
		if m.Counted = configBeside(f.kernel)["CONFIG_RSEQ_SLICE_EXTENSION"] == "y"; m.Counted {
			m.Silence = 5 * time.Minute // it takes its time
		}
		command := append(r.guestCommand(m, args), "--part", fmt.Sprintf("%d/%d", i, guests))
		streams[i] = start(ctx, m, init, command)
	}
	return r.received(ctx, streams, all)
}

// guests is how many machines run a part of the cases each: emulated CPUs of one
// machine are hardly ever busy at the same time.
const guests = 2

// parts deals cases out, those of one program to one part.
func parts(cases []conform.Case, n int) [][]conform.Case {
	all := make([][]conform.Case, n)
	part := 0
	for i := range cases {
		if i > 0 && cases[i].Program != cases[i-1].Program {
			part = (part + 1) % n
		}
		all[part] = append(all[part], cases[i])
	}
	return all
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

// guest is a machine that runs, and what it sends.
type guest struct {
	m      *boot.Machine
	lines  *bufio.Reader
	stderr bytes.Buffer
	code   int
	ended  chan error
}

func start(ctx context.Context, m *boot.Machine, init string, command []string) *guest {
	pr, pw := io.Pipe()
	g := &guest{m: m, lines: bufio.NewReader(pr), ended: make(chan error, 1)}
	go func() {
		var err error
		g.code, err = m.Run(ctx, init, command, pw, &g.stderr)
		pw.Close()
		g.ended <- err
	}()
	return g
}

// received takes the guests' results as they come.
func (r *conformRun) received(ctx context.Context, guests []*guest, parts [][]conform.Case) error {
	var head conformHead
	first, _ := guests[0].lines.ReadBytes('\n')
	badHead := json.Unmarshal(first, &head)
	for _, g := range guests[1:] {
		if g != nil {
			g.lines.ReadBytes('\n') // the same
		}
	}
	var err error
	if badHead == nil {
		rec := conform.NewRecording(head.Kernel, head.Uname)
		rec.Config = configBeside(guests[0].m.Kernel)
		err = r.results(ctx, head, r.decoded(guests, parts), rec)
	}
	said := ""
	for _, g := range guests {
		if g == nil {
			continue
		}
		io.Copy(io.Discard, g.lines)
		failed := <-g.ended
		text := strings.TrimPrefix(oneLine(g.stderr.String()), "rseqemu: ")
		var unwell *boot.Error
		switch {
		case errors.As(failed, &unwell):
			for _, l := range unwell.Console {
				r.err.printf("  | %s\n", l)
			}
			return failed
		case failed != nil:
			return failed
		case badHead != nil || g.code == exitNoAnswer:
			return fmt.Errorf("%s: rseqemu ended in the guest with %d: %s", g.m.Kernel, g.code, text)
		case text != "" && text != said:
			r.err.printf("rseqemu: %s\n", text)
			said = text
		}
	}
	return err
}

// decoded reads results, and gives each its case: in the order of the cases, each
// from the guest that runs it. It ends where one has no more.
func (r *conformRun) decoded(guests []*guest, parts [][]conform.Case) iter.Seq[conform.Result] {
	from := map[string]*guest{}
	for i, g := range guests {
		for j := range parts[i] {
			from[parts[i][j].Name] = g
		}
	}
	return func(yield func(conform.Result) bool) {
		for i := range r.cases {
			c := &r.cases[i]
			line, err := from[c.Name].lines.ReadBytes('\n')
			var res conform.Result
			if err != nil || json.Unmarshal(line, &res) != nil || res.Case.Name != c.Name {
				return
			}
			res.Case = c
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
