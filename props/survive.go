package props

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// Survive demands that no process of the program is killed by a signal that
// the kernel forced on it: by a fault, a failed assertion (trap brk), or the
// rules of restartable sequences. It remembers nothing.
func Survive(*emu.Machine) (explore.Property, error) { return &survive{}, nil }

type survive struct {
	killed bool // one was, since the state was set: ask the machine who and why
}

func (s *survive) Observe(e emu.Event) { s.killed = s.killed || e.Kind == emu.EvKill }

func (s *survive) After(m *emu.Machine, _ emu.Choice) *explore.Violation {
	if !s.killed {
		return nil
	}
	e, killed := m.Killed()
	if !killed || e.Reason == emu.ReasonSent {
		return nil
	}
	msg := fmt.Sprintf("t%d was killed by %s at %s: %s", e.Task, e.Signal, m.Image().Where(e.IP), e.Reason)
	switch e.Reason {
	case emu.ReasonLoad, emu.ReasonStore, emu.ReasonFetch, emu.ReasonAlign:
		msg += fmt.Sprintf(" (%#x)", uint64(e.Addr))
	}
	return &explore.Violation{Property: "survives", Message: msg}
}

func (s *survive) AtEnd(*emu.Machine) *explore.Violation { return nil }
func (s *survive) AppendState(b []byte) []byte           { return b }
func (s *survive) SetState(b []byte) (rest []byte, err error) {
	s.killed = false
	return b, nil
}
