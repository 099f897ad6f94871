package gen

import (
	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"pgregory.net/rapid"
)

// Chooser draws every choice of a run from t. A choice among one is not drawn.
func Chooser(t *rapid.T) explore.Chooser {
	return explore.ChooserFunc(func(_ *emu.Machine, choices []emu.Choice) int {
		if len(choices) == 1 {
			return 0
		}
		return rapid.IntRange(0, len(choices)-1).Draw(t, "choice")
	})
}
