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
// they were put in, in one buffer.
type frontier struct {
	b []byte
}

func (f *frontier) push(n int32, state []byte) {
	f.b = binary.LittleEndian.AppendUint32(f.b, uint32(n))
	f.b = binary.LittleEndian.AppendUint32(f.b, uint32(len(state)))
	f.b = append(f.b, state...)
}

// each calls f for every entry until it returns false.
func (f *frontier) each(visit func(n int32, state []byte) bool) {
	for b := f.b; len(b) > 0; {
		n, size := int32(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint32(b[4:])
		if !visit(n, b[8:8+size]) {
			return
		}
		b = b[8+size:]
	}
}
