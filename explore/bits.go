package explore

import (
	"fmt"
	"math"
	"sync/atomic"
)

// bitSet is a set of states that keeps no state: each sets three bits, and one whose
// bits are set already is taken for one that was seen. So a search with it misses
// states, and proves nothing; but a state takes a byte or two instead of fifty. It
// is for several workers at a time.
type bitSet struct {
	words []atomic.Uint64
	n     atomic.Int64 // states
}

// bitsPerState is how many bits a state sets.
const bitsPerState = 3

func newBits(bytes int) *bitSet { return &bitSet{words: make([]atomic.Uint64, max(bytes/8, 1))} }

// add adds a state and reports whether it is new, as far as that can be told.
func (b *bitSet) add(k key) (isNew bool) {
	m := uint64(len(b.words)) * 64
	for i := range uint64(bitsPerState) {
		at := (k.lo + i*k.hi) % m
		if bit := uint64(1) << (at % 64); b.words[at/64].Or(bit)&bit == 0 {
			isNew = true
		}
	}
	if isNew {
		b.n.Add(1)
	}
	return isNew
}

// missed says how many states may have been taken for others, about. The odds rise
// with the states, from none to those of the table as it is now.
func (b *bitSet) missed() string {
	m, n := float64(len(b.words))*64, float64(b.n.Load())
	odds := math.Pow(1-math.Exp(-bitsPerState*n/m), bitsPerState) / (bitsPerState + 1)
	return fmt.Sprintf("states were kept as bits: one in %.3g may be missed", max(1/odds, 1))
}
