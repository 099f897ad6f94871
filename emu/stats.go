package emu

// Stat returns the counter that debugfs' rseq/stats has under a name, and whether it
// has one.
func (c *Counters) Stat(name string) (n uint64, ok bool) {
	p, ok := map[string]*uint64{
		"exit": &c.Exit, "signal": &c.Signal, "slowp": &c.SlowPath, "fastp": &c.FastPath,
		"ids": &c.IDs, "cs": &c.CS, "clear": &c.Clear, "fixup": &c.Fixup,
		"sgrant": &c.SliceGranted, "sexpir": &c.SliceExpired, "srevok": &c.SliceRevoked,
		"syield": &c.SliceYielded, "sabort": &c.SliceAborted,
	}[name]
	if !ok {
		return 0, false
	}
	return *p, true
}
