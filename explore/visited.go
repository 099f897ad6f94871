package explore

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// key is a state's 128-bit hash. With a billion states the odds that any two
// share one are about 2^-69.
type key struct{ hi, lo uint64 }

func hash(b []byte) key {
	h := xxh3.Hash128(b)
	return key{h.Hi, h.Lo}
}

// node is what a search keeps of a state: how it got there, cheapest way first.
// A node's number is its index in the table.
type node struct {
	parent int32 // noNode for the initial state
	choice uint32
	events uint16 // kernel events on the way, the major part of the cost
	closed bool   // expanded
	steps  uint32 // transitions on the way, the minor part
}

const noNode = -1

// visited is the set of states, an open-addressing table of node numbers by
// hash.
type visited struct {
	slots []int32 // node number + 1, 0 is empty
	keys  []key   // by node number
	nodes []node
}

func newVisited() *visited { return &visited{slots: make([]int32, 1<<12)} }

// lookup returns the number of the node with that key, or makes one.
func (v *visited) lookup(k key) (n int32, isNew bool) {
	if len(v.nodes)*4 > len(v.slots)*3 {
		v.grow()
	}
	mask := uint64(len(v.slots) - 1)
	for i := k.lo & mask; ; i = (i + 1) & mask {
		switch s := v.slots[i]; {
		case s == 0:
			v.nodes = append(v.nodes, node{})
			v.keys = append(v.keys, k)
			n = int32(len(v.nodes) - 1)
			v.slots[i] = n + 1
			return n, true
		case v.keys[s-1] == k:
			return s - 1, false
		}
	}
}

func (v *visited) grow() {
	v.slots = make([]int32, 2*len(v.slots))
	mask := uint64(len(v.slots) - 1)
	for n, k := range v.keys {
		i := k.lo & mask
		for v.slots[i] != 0 {
			i = (i + 1) & mask
		}
		v.slots[i] = int32(n) + 1
	}
}

// frontier holds states that wait to be expanded: encoded, in the order in which
// they were put in, in buffers of which none is ever copied to a larger one.
type frontier struct {
	chunks [][]byte
}

// chunkSize is that of a frontier's buffers, unless a state needs more.
const chunkSize = 1 << 14

// spare are buffers that a frontier has released.
type spare struct {
	chunks [][]byte
}

func (s *spare) chunk(size int) []byte {
	if n := len(s.chunks); n > 0 && size <= chunkSize {
		c := s.chunks[n-1]
		s.chunks = s.chunks[:n-1]
		return c
	}
	return make([]byte, 0, max(size, chunkSize))
}

func (f *frontier) empty() bool { return len(f.chunks) == 0 }

func (f *frontier) push(from *spare, n int32, state []byte) {
	size := 8 + len(state)
	last := len(f.chunks) - 1
	switch {
	case last < 0:
		// Of a program that loops there are many frontiers, with a state each.
		f.chunks = append(f.chunks, make([]byte, 0, 2*size))
		last++
	case cap(f.chunks[last])-len(f.chunks[last]) < size:
		f.chunks = append(f.chunks, from.chunk(size))
		last++
	}
	b := f.chunks[last]
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(state)))
	f.chunks[last] = append(b, state...)
}

// each calls f for every entry until it returns false. Nothing may be pushed
// meanwhile.
func (f *frontier) each(visit func(n int32, state []byte) bool) {
	for _, b := range f.chunks {
		for len(b) > 0 {
			n, size := int32(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint32(b[4:])
			if !visit(n, b[8:8+size]) {
				return
			}
			b = b[8+size:]
		}
	}
}

// release empties the frontier and leaves its buffers to others.
func (f *frontier) release(to *spare) {
	for _, c := range f.chunks {
		if cap(c) == chunkSize {
			to.chunks = append(to.chunks, c[:0])
		}
	}
	f.chunks = nil
}
