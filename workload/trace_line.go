package workload

import (
	"errors"
	"strconv"
	"strings"
)

// A trace's lines, as the kernel's trace and trace_pipe, trace-cmd report and perf
// script print them:
//
//	make-1234    [003] d..2.  5678.123456: sched_switch: prev_comm=make prev_pid=1234 …
//	make-1234  ( 1230) [003] d..2.  5678.123456: sys_exit: NR 61 = 0
//	make  1234/1230  [003]  5678.123456: sched:sched_switch: make:1234 [120] S ==> …
//
// A comm may hold anything, so a line is looked at from its CPU on.

// traceLine is one event, in the words of the line.
type traceLine struct {
	comm  string
	pid   int32
	cpu   int32
	nanos int64
	event string // without its subsystem
	args  string
}

var errNoEvent = errors.New(`not a line of a trace ("comm-pid [cpu] flags seconds: event: …")`)

// isStack reports whether a trimmed line is of a call stack, which both tracers print
// below an event if they are asked to:
//
//	ffffffff81c0a8b3 __schedule+0x263 ([kernel.kallsyms])
//	=> __schedule
func isStack(text string) bool {
	if strings.HasPrefix(text, "=> ") || strings.HasSuffix(text, ": <stack trace>") || strings.HasSuffix(text, ": <stack trace >") {
		return true
	}
	address, symbol := cutWord(text)
	_, err := strconv.ParseUint(address, 16, 64)
	return err == nil && strings.HasSuffix(symbol, ")")
}

// parseLine reads an event.
func parseLine(text string) (traceLine, error) {
	var l traceLine
	for from := 0; ; {
		open := strings.IndexByte(text[from:], '[')
		if open < 0 {
			return l, errNoEvent
		}
		open += from
		from = open + 1
		end := strings.IndexByte(text[from:], ']')
		if end < 0 {
			return l, errNoEvent
		}
		cpu, ok := digits(text[from : from+end])
		if !ok || !l.rest(text[from+end+1:]) {
			continue
		}
		if cpu >= MaxCPUs {
			return l, errors.New("CPU " + strconv.FormatInt(cpu, 10) + " is beyond the last that is counted, " + strconv.Itoa(MaxCPUs-1))
		}
		l.cpu = int32(cpu)
		if !l.task(text[:open]) {
			return l, errors.New("no pid before the CPU")
		}
		return l, nil
	}
}

// rest reads what is behind the CPU: flags, if there are, the time, the event.
func (l *traceLine) rest(text string) bool {
	word, text := cutWord(text)
	if !strings.HasSuffix(word, ":") {
		word, text = cutWord(text)
	}
	nanos, ok := parseTime(strings.TrimSuffix(word, ":"))
	if !ok || !strings.HasSuffix(word, ":") {
		return false
	}
	name, text := cutWord(text)
	l.nanos, l.args = nanos, strings.TrimSpace(text)
	if strings.HasPrefix(name, "sys_") { // the trace file's own way to print system calls
		if strings.Contains(name, "(") {
			l.event = "sys_enter"
			return true
		}
		if strings.HasPrefix(l.args, "-> ") {
			l.event = "sys_exit"
			return true
		}
	}
	name, ok = strings.CutSuffix(name, ":")
	if !ok || name == "" {
		return false
	}
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	l.event = name
	return true
}

// task reads what is before the CPU: the comm, a pid, perhaps a tgid.
func (l *traceLine) task(text string) bool {
	text = strings.TrimSpace(text)
	if strings.HasSuffix(text, ")") { // the tgid of the trace file
		if i := strings.LastIndexByte(text, '('); i > 0 {
			text = strings.TrimSpace(text[:i])
		}
	}
	i := strings.LastIndexAny(text, "- \t")
	if i < 0 {
		return false
	}
	word := text[i+1:]
	if _, tid, ok := strings.Cut(word, "/"); ok { // perf's pid/tid
		word = tid
	}
	pid, ok := digits(word)
	if !ok || pid > 1<<30 {
		return false
	}
	l.comm, l.pid = strings.TrimSpace(text[:i]), int32(pid)
	return true
}

// digits reads a decimal number of at most 10 digits.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 10 {
		return 0, false
	}
	n := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// parseTime reads seconds with up to nine digits behind the point, as nanoseconds;
// or clock ticks, which have no point.
func parseTime(s string) (int64, bool) {
	whole, part, point := strings.Cut(s, ".")
	if len(whole) > 9 && point || len(part) > 9 || point && part == "" {
		return 0, false
	}
	if !point {
		n, err := strconv.ParseInt(whole, 10, 64)
		return n, err == nil && n >= 0
	}
	w, ok := digits(whole)
	f, ok2 := digits((part + "000000000")[:9])
	return w*1_000_000_000 + f, ok && ok2
}

func cutWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// parseLost reads "CPU:3 [LOST 12 EVENTS]", "CPU:3 [12 EVENTS DROPPED]", and the same
// without a number, which is then 0.
func parseLost(text string) (cpu int32, n uint64, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "CPU:")
	if !ok || !strings.Contains(rest, "LOST") && !strings.Contains(rest, "DROPPED") {
		return 0, 0, false
	}
	word, rest := cutWord(rest)
	c, ok := digits(word)
	if !ok || c >= MaxCPUs {
		return 0, 0, false
	}
	for _, w := range strings.Fields(strings.Trim(strings.TrimSpace(rest), "[]")) {
		if v, err := strconv.ParseUint(w, 10, 48); err == nil {
			n = v
		}
	}
	return int32(c), n, true
}

// switched is a sched_switch.
type switched struct {
	prev, next         int32
	prevComm, nextComm string
	state              string
}

// parseSwitch reads the fields of the kernel, or what trace-cmd and perf make of
// them: "make:1234 [120] S ==> cc1:77 [120]".
func parseSwitch(args string) (switched, bool) {
	var s switched
	left, right, ok := strings.Cut(args, " ==> ")
	if !ok {
		return s, false
	}
	if strings.HasPrefix(left, "prev_comm=") {
		var ok2, ok3, ok4 bool
		s.prevComm, s.prev, ok2 = commAndPid(left, "prev_")
		s.nextComm, s.next, ok3 = commAndPid(right, "next_")
		s.state, ok4 = field(left, "prev_state=")
		return s, ok2 && ok3 && ok4
	}
	i := strings.LastIndexByte(left, ']')
	if i < 0 {
		return s, false
	}
	s.state = strings.TrimSpace(left[i+1:])
	var ok2, ok3 bool
	s.prevComm, s.prev, ok2 = plainTask(left[:i])
	s.nextComm, s.next, ok3 = plainTask(right)
	return s, ok2 && ok3 && s.state != ""
}

// commAndPid reads prev_comm=make prev_pid=1234, or next_…; a comm may have blanks.
func commAndPid(s, prefix string) (string, int32, bool) {
	i := strings.LastIndex(s, " "+prefix+"pid=")
	if i < 0 {
		return "", 0, false
	}
	comm := strings.TrimPrefix(strings.TrimSpace(s[:i]), prefix+"comm=")
	word, _ := cutWord(s[i+len(" "+prefix+"pid="):])
	pid, ok := digits(word)
	return comm, int32(pid), ok && pid <= 1<<30
}

// plainTask reads "make:1234 [120".
func plainTask(s string) (string, int32, bool) {
	if i := strings.LastIndexByte(s, '['); i >= 0 {
		s = s[:i]
	}
	s = strings.TrimSpace(s)
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", 0, false
	}
	pid, ok := digits(s[i+1:])
	return s[:i], int32(pid), ok && pid <= 1<<30
}

// field returns the word behind name.
func field(s, name string) (string, bool) {
	i := strings.LastIndex(s, name)
	if i < 0 || i > 0 && s[i-1] != ' ' {
		return "", false
	}
	word, _ := cutWord(s[i+len(name):])
	return word, word != ""
}
