package conform

import (
	"slices"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
)

// insertSleeps puts a nanosleep in front of every instruction that a stop of the
// case wants to be a schedule at: behind the labels there, so that whoever goes
// to them comes by it. It changes r0 to 0 and nothing else. The stops' points,
// which are of the program without it, become those of the program with it.
func insertSleeps(c *Case, im *ir.Image) error {
	at := make([]int, len(c.Stops)) // each stop's instruction
	var sleeps []int
	for i := range c.Stops {
		a, err := c.Stops[i].At.Addr(im)
		if err != nil {
			return err
		}
		at[i] = im.Index(a)
		if c.Stops[i].Has(Schedule) && !slices.Contains(sleeps, at[i]) {
			sleeps = append(sleeps, at[i])
		}
	}
	if sleeps == nil {
		return nil
	}
	c.Program = withSleeps(c.Program, sleeps)
	with, err := ir.Link(c.Program, im.Arch)
	if err != nil {
		return err
	}
	c.Stops = slices.Clone(c.Stops)
	for i := range c.Stops {
		moved := at[i]
		for _, s := range sleeps {
			if s < at[i] {
				moved++
			}
		}
		c.Stops[i].At, _ = PointAt(with, with.Addrs[moved])
	}
	return nil
}

// withSleeps returns the program with a nanosleep in front of each of these
// instructions.
func withSleeps(p *ir.Program, before []int) *ir.Program {
	op := ir.NewOp(ir.Syscall)
	op.Imm = int64(abi.SysNanosleep)
	q := *p
	q.Funcs = slices.Clone(p.Funcs)
	n := 0
	for i := range q.Funcs {
		f := &q.Funcs[i]
		var body []ir.Item
		for _, it := range f.Body {
			if it.Kind == ir.Code {
				if slices.Contains(before, n) {
					body = append(body, ir.Item{Kind: ir.Code, Instr: ir.NewInstr(op), Notes: ir.Notes{Pos: it.Notes.Pos}})
				}
				n++
			}
			body = append(body, it)
		}
		f.Body = body
	}
	return &q
}
