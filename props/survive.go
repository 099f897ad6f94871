package props

import (
	"fmt"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// Survive demands that no process of the program is killed by a signal that
// the kernel forced on it: by a fault, a failed assertion (trap brk), or the
// rules of restartable sequences. It remembers nothing.
func Survive(*emu.Machine) (explore.Property, error) { return survive{}, nil }

type survive struct{}

func (survive) Observe(emu.Event) {}

// Selects says that only a process' end can be its end.
func (survive) Selects() (kinds emu.EventSet, every bool) { return emu.SetOf(emu.EvKill), false }

func (survive) After(m *emu.Machine, _ emu.Choice) *explore.Violation {
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

func (survive) AtEnd(*emu.Machine) *explore.Violation      { return nil }
func (survive) AppendState(b []byte) []byte                { return b }
func (survive) SetState(b []byte) (rest []byte, err error) { return b, nil }
