package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Text writes the table for a person: counts with their share of the exits, by how
// much they are less than on the first kernel, and which fields were accessed.
func (s *Stats) Text(w io.Writer, st Style) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.Workload, s.Title)
	if s.Mix != "" {
		fmt.Fprintf(&b, "%s\n", st.Dim(s.Mix))
	}
	s.traceText(&b)
	if s.Stopped != "" {
		fmt.Fprintf(&b, "note: stopped by %s; this is what came before\n", s.Stopped)
	}
	for _, k := range s.Kernels {
		if k.Killed > 0 {
			fmt.Fprintf(&b, "note: %s kills threads that break no rule, %s; they go on here\n", k.Kernel, several(k.Killed, "time"))
		}
	}
	b.WriteByte('\n')
	s.grid(&b, st, "", func(row int) bool { return true }, func(k *StatsKernel, row int) (string, string) {
		c := &k.Counters[row]
		switch statsRows[row].name {
		case "exit":
			return group(c.Count), ""
		case "loads", "stores":
			return group(c.Count), fmt.Sprintf("%.3f ", c.Share) // an exit can have several
		}
		return group(c.Count), percent(c.Share)
	})
	if len(s.Kernels) > 1 {
		b.WriteByte('\n')
		s.grid(&b, st, "less than "+s.Kernels[0].Kernel, func(row int) bool { return statsRows[row].less }, func(k *StatsKernel, row int) (string, string) {
			if s.Kernels[0].Counters[row].Count == 0 {
				return "", "-"
			}
			return "", fmt.Sprintf("%.1f%%", 100*k.Counters[row].Less)
		})
	}
	b.WriteByte('\n')
	s.accessText(&b, st)
	_, err := io.WriteString(w, b.String())
	return err
}

// grid writes rows with a cell of two parts for each kernel.
func (s *Stats) grid(b *strings.Builder, st Style, head string, in func(row int) bool, cell func(k *StatsKernel, row int) (string, string)) {
	first := len(head)
	for _, r := range statsRows {
		first = max(first, len(r.name)+2*r.depth)
	}
	left, right := make([]int, len(s.Kernels)), make([]int, len(s.Kernels))
	for i := range s.Kernels {
		for row := range statsRows {
			if in(row) {
				l, r := cell(&s.Kernels[i], row)
				left[i], right[i] = max(left[i], len(l)), max(right[i], len(r))
			}
		}
		left[i] = max(left[i], len(s.Kernels[i].Kernel)-right[i]-1)
	}
	line := fmt.Sprintf("%-*s", first, head)
	for i := range s.Kernels {
		line += "   " + st.Bold(fmt.Sprintf("%*s", left[i]+1+right[i], s.Kernels[i].Kernel))
	}
	b.WriteString(line + "\n")
	for row, r := range statsRows {
		if !in(row) {
			continue
		}
		line := fmt.Sprintf("%-*s", first, strings.Repeat("  ", r.depth)+r.name)
		for i := range s.Kernels {
			l, r := cell(&s.Kernels[i], row)
			line += fmt.Sprintf("   %*s %*s", left[i], l, right[i], r)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// accessText writes the fields that any kernel accessed, as loads/stores.
func (s *Stats) accessText(b *strings.Builder, st Style) {
	const head = "loads/stores of"
	width := make([]int, len(s.Kernels))
	cell := func(a StatsAccess) string {
		if a.Loads+a.Stores == 0 {
			return "-"
		}
		return group(a.Loads) + "/" + group(a.Stores)
	}
	for i := range s.Kernels {
		width[i] = len(s.Kernels[i].Kernel)
		for _, a := range s.Kernels[i].Accesses {
			width[i] = max(width[i], len(cell(a)))
		}
	}
	line := head
	for i := range s.Kernels {
		line += "   " + st.Bold(fmt.Sprintf("%*s", width[i], s.Kernels[i].Kernel))
	}
	b.WriteString(line + "\n")
	for f := range s.Kernels[0].Accesses {
		used := false
		line := fmt.Sprintf("%-*s", len(head), s.Kernels[0].Accesses[f].Field)
		for i := range s.Kernels {
			a := s.Kernels[i].Accesses[f]
			used = used || a.Loads+a.Stores > 0
			line += fmt.Sprintf("   %*s", width[i], cell(a))
		}
		if used {
			b.WriteString(line + "\n")
		}
	}
}

// traceText says what a trace had and lacked.
func (s *Stats) traceText(b *strings.Builder) {
	t := s.Trace
	if t == nil {
		return
	}
	fmt.Fprintf(b, "%s, %.6f s, %s, %s: %s, %s sys_enter, %s sys_exit, %s, %s\n",
		several(t.Lines, "line"), float64(t.Nanos[1]-t.Nanos[0])/1e9, Count(t.CPUs, "CPU"), several(t.Threads, "thread"),
		group(t.Switches)+" sched_switch", group(t.Enters), group(t.Exits), several(t.Interrupts, "interrupt"), several(t.Signals, "signal"))
	note := func(n uint64, format string, args ...any) {
		if n > 0 {
			fmt.Fprintf(b, "note: "+format+"\n", args...)
		}
	}
	note(t.LostReports, "events were lost in %s, %s or more: what happened there isn't counted", several(t.LostReports, "place"), group(t.Lost))
	note(t.Gaps, "%s a thread was where the trace doesn't say that it went", several(t.Gaps, "time"))
	note(t.Cut, "the last line is cut, and not counted")
	note(t.KernelThreads, "not counted, since its name is one of the kernel's: %s", several(t.KernelThreads, "thread"))
	note(t.Updates, "the traced kernel wrote the ids of these threads %s, and aborted %s; not counted, as it never wrote theirs: %s",
		several(t.Updates, "time"), several(t.Fixups, "section"), several(t.Unregistered, "thread"))
	if t.Exits == 0 {
		note(1, "there is no sys_exit: only switches, interrupts and signals are exits")
	}
	if t.Interrupts == 0 {
		note(1, "there are no interrupts: who was runnable when it left its CPU was interrupted in user mode")
	}
	if t.Unknown > 0 {
		var names []string
		for _, n := range t.UnknownNames {
			names = append(names, fmt.Sprintf("%s %s", group(n.Count), n.Name))
		}
		note(1, "not looked at: %s", strings.Join(names, ", "))
	}
}

// CSV writes a line for each kernel and number.
func (s *Stats) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"workload", "kernel", "what", "count", "share", "less"})
	for _, k := range s.Kernels {
		for _, n := range k.Counters {
			c.Write([]string{s.Workload, k.Kernel, n.Name, strconv.FormatUint(n.Count, 10), strconv.FormatFloat(n.Share, 'f', 6, 64), strconv.FormatFloat(n.Less, 'f', 6, 64)})
		}
		for _, a := range k.Accesses {
			c.Write([]string{s.Workload, k.Kernel, "loads " + a.Field, strconv.FormatUint(a.Loads, 10), "", ""})
			c.Write([]string{s.Workload, k.Kernel, "stores " + a.Field, strconv.FormatUint(a.Stores, 10), "", ""})
		}
	}
	c.Flush()
	return c.Error()
}

func percent(share float64) string { return fmt.Sprintf("%.2f%%", 100*share) }

// group is [Thousands] for counts that may not fit an int.
func group(n uint64) string { return commas(strconv.FormatUint(n, 10)) }

func several(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return group(n) + " " + what + "s"
}
