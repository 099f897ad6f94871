package explore

import (
	"context"

	"github.com/rseqemu/rseqemu/emu"
)

// Parted is the name of the property that two kernels do the same.
const Parted = "same on both kernels"

// Diff looks for the cheapest schedule on which a program can tell the first
// machine's kernel from the second's: the failure's last transition is where they
// part, and its message says in what. Nothing else is a failure, not even a
// deadlock. Both machines must be fresh and run the same program on the same
// number of CPUs with the same budget; the first is used up.
func Diff(ctx context.Context, from, to *emu.Machine, lim Limits, progress Progress) (*Result, error) {
	return exhaust(ctx, from, []Factory{Twin(to)}, lim, progress, true, nil)
}

// Twin is a property that makes every transition on a second machine too, and
// is broken when the program can tell the two apart. The second machine is
// other's fork: other stays as it is.
func Twin(other *emu.Machine) Factory {
	return func(*emu.Machine) (Property, error) { return twin{other.Fork()}, nil }
}

type twin struct{ m *emu.Machine }

func (t twin) Observe(emu.Event) {}

func (t twin) After(m *emu.Machine, c emu.Choice) *Violation {
	if err := t.m.Try(c); err != nil {
		return &Violation{Property: Parted, Message: "on " + t.m.Kernel().String() + " " + err.Error()}
	}
	if d := m.Difference(t.m); d != "" {
		return &Violation{Property: Parted, Message: d}
	}
	return nil
}

func (t twin) AtEnd(*emu.Machine) *Violation              { return nil }
func (t twin) AppendState(b []byte) []byte                { return t.m.AppendState(b) }
func (t twin) SetState(b []byte) (rest []byte, err error) { return t.m.SetState(b) }
