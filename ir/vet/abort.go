package vet

import "github.com/rseqemu/rseqemu/ir"

var abortAsSuccess = newCheck("abort-as-success",
	"An abort handler that goes on at post_commit_ip and leaves no trace: no register that is read there differs "+
		"from what a commit leaves. The caller takes an operation that was aborted for one that took effect.",
	func(p *pass) {
		for _, s := range p.sections {
			if s.abort < 0 || s.post < 0 {
				continue
			}
			written, ok := p.handler(s)
			if !ok {
				continue
			}
			for i := s.lo; i < s.hi; i++ {
				written |= p.writes(i)
			}
			if p.unread(s.post, written) {
				p.at(s.abort, s, "an aborted %s goes on at post_commit_ip like one that has committed, and nothing that is read there tells the two apart: the handler must retry or report", s.Name)
			}
		}
	})

// writes returns what instruction i may change.
func (p *pass) writes(i int) (set ir.RegSet) {
	ops := p.im.Instrs[i].Micro()
	for k := range ops {
		set |= ops[k].Writes()
	}
	return set
}

// handler follows the code from abort_ip, and returns what it writes until
// post_commit_ip. It is not ok if that isn't where it leads, or if it stores
// something, which others may see.
func (p *pass) handler(s *section) (written ir.RegSet, ok bool) {
	at := s.abort
	for range maxWalk {
		if at == s.post {
			return written, true
		}
		if at < 0 || p.stores(at) {
			return 0, false
		}
		switch lastOp(p.im, at).Code {
		case ir.Call, ir.Syscall:
			return 0, false
		}
		written |= p.writes(at)
		at = p.graph.only(at)
	}
	return 0, false
}

// unread reports whether the code from instruction i on reads none of the
// registers before it writes them, up to where it returns, and reads nothing
// from memory either. Where that can't be told the answer is no.
func (p *pass) unread(i int, set ir.RegSet) bool {
	seen := map[int]ir.RegSet{}
	type place struct {
		at  int
		set ir.RegSet
	}
	for list := []place{{i, set}}; len(list) > 0; {
		at, set := list[len(list)-1].at, list[len(list)-1].set
		list = list[:len(list)-1]
		if old, ok := seen[at]; ok && set&^old == 0 {
			continue
		}
		if len(seen) == maxWalk {
			return false
		}
		seen[at] |= set
		ops := p.im.Instrs[at].Micro()
		for k := range ops {
			o := &ops[k]
			switch o.Code {
			case ir.Call, ir.Syscall, ir.Jmpr, ir.Trap:
				return false
			}
			if o.Loads() || o.Reads()&set != 0 {
				return false
			}
			set &^= o.Kills()
		}
		for _, to := range p.graph.next[at] {
			if to >= 0 {
				list = append(list, place{int(to), set})
			}
		}
	}
	return true
}

var abortAtFunction = newCheck("abort-at-function",
	"An abort_ip that is the beginning of another operation, as when a label stands behind the last instruction of "+
		"its own function. An aborted thread carries on there as if it had been called.",
	func(p *pass) {
		called := p.called()
		for _, s := range p.all {
			for _, f := range p.im.Funcs {
				if f.Entry == ir.Addr(s.CS.AbortIP) && f.End > f.Entry && f.Name != s.Func && called[f.Entry] {
					p.on(s, "abort_ip of %s is the beginning of %s: a thread that is aborted in %s carries on as if it had called that", s.Name, f.Name, s.Func)
				}
			}
		}
	})

// called returns the addresses that threads, signals and functions call.
func (p *pass) called() map[ir.Addr]bool {
	called := map[ir.Addr]bool{}
	for _, t := range p.im.Prog.Threads {
		for _, c := range t.Calls {
			called[p.im.Symbols[c.Func]] = true
		}
	}
	for _, h := range p.im.Prog.Handlers {
		called[p.im.Symbols[h.Func]] = true
	}
	for i := range p.im.Instrs {
		if last := lastOp(p.im, i); last.Code == ir.Call {
			called[last.TargetIP] = true
		}
	}
	return called
}

var runsOffTheEnd = newCheck("runs-off-the-end",
	"Code that runs on into what isn't its own: a signature, which is made to be no instruction that a program "+
		"means to execute, the next function, or the end of the code. Put a jump or ret before it.",
	func(p *pass) {
		begins := map[int]string{}
		for _, f := range p.im.Funcs {
			if i := p.im.Index(f.Entry); i >= 0 && f.End > f.Entry {
				begins[i] = f.Name
			}
		}
		for i, off := range p.graph.runsOff {
			if !p.flow.before[i].reached {
				continue
			}
			name := begins[max(0, int(p.graph.next[i][0]))]
			switch {
			case off:
				p.at(i, p.graph.of[i], "nothing keeps the code from running on into what is no instruction, such as the signature before an abort_ip")
			case p.graph.next[i][0] > 0 && name != "":
				p.at(i, p.graph.of[i], "nothing keeps the code from running on into %s, which isn't called by that", name)
			}
		}
	})
