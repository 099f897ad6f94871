package lint

import (
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/lift/isa"
)

// maxHandler bounds how far an abort handler is followed.
const maxHandler = 64

// handler looks at the code at abort_ip, up to where it is the section's
// function again or somebody else's.
func (l *linter) handler(s *section) {
	in := l.SectionAt(s.abort)
	if in == nil || !in.Exec || s.contains(s.abort) {
		return
	}
	changes := false
	at := s.abort
	for range maxHandler {
		if at == s.post {
			if !changes {
				l.at(s, "abort-as-success", s.abort, "the abort handler goes on at post_commit_ip and changes nothing: the caller takes an operation that was aborted for one that took effect")
			}
			return
		}
		code, err := l.instr(at)
		if err != nil {
			if at == s.abort {
				if s.graph.stopped[at] == nil {
					s.graph.stopped[at] = err
				}
				l.unsupported(s, at)
			}
			return
		}
		ops := code.IR.Micro()
		for k := range ops {
			changes = changes || ops[k].Stores() || ops[k].Writes()&ir.AllRegs != 0
		}
		switch code.Flow {
		case isa.Falls:
			at = code.Next()
		case isa.Jumps:
			at = code.Target
		default:
			return
		}
	}
}
