package vcpu_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// vocabulary returns a valid micro-op of every form that there is: opcode,
// width, flags, order, and which operands are present; of the conditions only
// one.
func vocabulary() []ir.Op {
	var all []ir.Op
	for code := ir.Opcode(0); !strings.HasPrefix(code.String(), "opcode("); code++ {
		for n := range 1 << 6 {
			o := ir.NewOp(code)
			present := func(bit int) bool { return n>>bit&1 != 0 }
			if present(0) {
				o.Dst = ir.R0
			}
			if present(1) {
				o.A = ir.R1
			}
			if present(2) {
				o.B = ir.R2
			}
			if present(3) {
				o.Mem.Base = ir.R3
			}
			if present(4) {
				o.Target = "here"
			}
			if present(5) {
				o.Imm = 1
			}
			for _, o.Width = range []ir.Width{0, ir.W1, ir.W2, ir.W4, ir.W8} {
				for o.Flags = range ir.KeepC + 1 {
					for o.Order = range ir.FenceR + 1 {
						for _, o.Cond = range []ir.Cond{ir.Always, ir.Eq} {
							if in := ir.NewInstr(o); in.Validate() == nil {
								all = append(all, o)
							}
						}
					}
				}
			}
		}
	}
	return all
}

// TestTablesCoverTheVocabulary wants every opcode at every width, with every
// order and flag mode, and every choice of a register or an immediate in the
// tables.
func TestTablesCoverTheVocabulary(t *testing.T) {
	widths := func(o ir.Op) string {
		return fmt.Sprintf("%v at width %d, flags %d, order %d, destination %v", o.Code, o.Width.Bytes(), o.Flags, o.Order, o.Dst != ir.None)
	}
	operands := func(o ir.Op) string {
		return fmt.Sprintf("%v with flags %d, registers a %v, b %v, destination %v", o.Code, o.Flags, o.A != ir.None, o.B != ir.None, o.Dst != ir.None)
	}
	covered := map[string]bool{}
	for _, file := range tables {
		for _, r := range table(t, file, 4) {
			w, err := newWorld(abi.AMD64, r.col[0])
			if err != nil {
				t.Fatalf("%s: %v", r.at, err)
			}
			for _, o := range w.im.Instrs[w.im.Index(w.symbols["here"])].Micro() {
				covered[widths(o)] = true
				covered[operands(o)] = true
			}
		}
	}
	seen := map[string]bool{}
	for _, o := range vocabulary() {
		for _, key := range []string{widths(o), operands(o)} {
			if !covered[key] && !seen[key] {
				t.Errorf("no table has %s", key)
			}
			seen[key] = true
		}
	}
	if len(seen) < 150 {
		t.Errorf("the vocabulary has only %d forms", len(seen))
	}
}
