package props

import (
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
)

// Of returns the properties of a program: that it survives, its always and
// final checks, and one for each spec, norace and blocks that it declares.
func Of(p *ir.Program) ([]explore.Factory, error) {
	out := []explore.Factory{Survive}
	if len(p.Checks) > 0 {
		out = append(out, Checks)
	}
	for _, s := range p.Specs {
		spec, err := SpecByName(s.Name)
		if err == nil {
			_, err = spec.bind(s.Funcs)
		}
		if err != nil {
			return nil, &ir.LinkError{File: p.File, Pos: s.Notes.Pos, Msg: err.Error()}
		}
		consistent := map[ir.Consistency]func(*Spec, ...string) explore.Factory{
			ir.Linearizable: Linearizable, ir.Sequential: Sequential, ir.Quiescent: Quiescent}
		out = append(out, consistent[s.Order](spec, s.Funcs...))
	}
	for _, r := range p.NoRaces {
		out = append(out, NoRace(r))
	}
	for _, b := range p.Blocks {
		out = append(out, Blocks(b))
	}
	return out, nil
}
