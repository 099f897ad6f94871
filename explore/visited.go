package explore

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"
)

// key is a state's 127-bit hash. With a billion states the odds that any two
// share one are about 2^-68.
type key struct{ hi, lo uint64 }

const hashBits = 127

func hash(b []byte) key {
	h := xxh3.Hash128(b)
	return key{h.Hi | 1, h.Lo} // zero is none's
}

// node is what a search keeps of a state: how it got there, cheapest way first. Of
// several cheapest ways it is the least by choice and parent, so that it doesn't
// depend on which worker came first.
type node struct {
	key    key
	parent uint64 // half of the key of the state before it
	choice uint32
	cost   cost
}

// cost orders states and schedules: kernel events first, then transitions. It is
// one number.
type cost uint32

const (
	stepBits  = 20
	maxSteps  = 1<<stepBits - 1
	maxEvents = 1<<(32-stepBits) - 1
)

func costOf(events, steps int) cost { return cost(events<<stepBits | steps) }

func (c cost) events() int { return int(c >> stepBits) }
func (c cost) steps() int  { return int(c & maxSteps) }

// visited is the set of states, for several workers at a time: shards by hash, each
// an open-addressing table of nodes.
type visited struct {
	shards [shards]shard
	// lowered says that a state was reached at a lower cost than before, so that it
	// waits in two places.
	lowered atomic.Bool
}

// keep has the set keep states as they are, beside their hashes.
func (v *visited) keep(states bool) {
	for i := range v.shards {
		if v.shards[i].states = nil; states {
			v.shards[i].states = map[key]string{}
		}
	}
}

// same reports whether no other state with that hash was added before, if states
// are kept.
func (v *visited) same(k key, state []byte) bool {
	s := &v.shards[k.lo>>(64-shardBits)]
	if s.states == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.states[k]; ok {
		return have == string(state)
	}
	s.states[k] = string(state)
	return true
}

const (
	shardBits = 6
	shards    = 1 << shardBits
)

type shard struct {
	mu     sync.Mutex
	nodes  []node // a key of zero is an empty place
	n      int
	table  atomic.Pointer[[]node] // nodes, for those who only touch them
	states map[key]string         // if they are kept
	_      [8]byte                // shards are of different cache lines
}

func newVisited() *visited {
	v := &visited{}
	for i := range v.shards {
		v.shards[i].set(make([]node, 8))
	}
	return v
}

func (s *shard) set(nodes []node) {
	s.nodes = nodes
	s.table.Store(&nodes)
}

// touch has a processor fetch what reach will look at for a key. Whoever does so for some
// keys and then reaches them waits for memory once, and not for each. What it
// returns means nothing, but that it must have been read.
func (v *visited) touch(k key) uint64 {
	nodes := *v.shards[k.lo>>(64-shardBits)].table.Load()
	hi, _ := bits.Mul64(k.lo<<shardBits, uint64(len(nodes)))
	return atomic.LoadUint64(&nodes[hi].key.lo)
}

// reach notes that a state was reached from another by a choice at a cost. It returns
// whether the state is new, whether it is to be expanded at that cost, and the cost at
// which it is known now.
func (v *visited) reach(k, from key, choice uint32, at cost) (isNew, waits bool, known cost) {
	s := &v.shards[k.lo>>(64-shardBits)]
	s.mu.Lock()
	if s.n*5 >= len(s.nodes)*4 {
		s.grow()
	}
	nd := s.find(k)
	switch {
	case nd.key == (key{}):
		s.n++
		nd.key.hi, nd.parent, nd.choice, nd.cost = k.hi, from.lo, choice, at
		atomic.StoreUint64(&nd.key.lo, k.lo) // others may touch it
		isNew, waits = true, true
	case at < nd.cost:
		nd.parent, nd.choice, nd.cost = from.lo, choice, at
		v.lowered.Store(true)
		waits = true
	case at == nd.cost && (choice < nd.choice || choice == nd.choice && from.lo < nd.parent):
		nd.parent, nd.choice = from.lo, choice
	}
	known = nd.cost
	s.mu.Unlock()
	return isNew, waits, known
}

// costs reports whether that is what it takes to reach a state that is in the set.
func (v *visited) costs(k key, at cost) bool {
	if !v.lowered.Load() {
		return true
	}
	s := &v.shards[k.lo>>(64-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(k).cost == at
}

// half returns the node of the state that has that half of a key, at a lower cost
// than limit. Nobody may be adding any.
func (v *visited) half(lo uint64, limit cost) (node, bool) {
	s := &v.shards[lo>>(64-shardBits)]
	for i := s.first(lo); s.nodes[i].key != (key{}); i = s.behind(i) {
		if nd := s.nodes[i]; nd.key.lo == lo && nd.cost < limit {
			return nd, true
		}
	}
	return node{}, false
}

// first is the place where a key belongs.
func (s *shard) first(lo uint64) int {
	hi, _ := bits.Mul64(lo<<shardBits, uint64(len(s.nodes)))
	return int(hi)
}

func (s *shard) behind(i int) int {
	if i++; i < len(s.nodes) {
		return i
	}
	return 0
}

// find returns the place of a key, which is empty if there is no such state.
func (s *shard) find(k key) *node {
	for i := s.first(k.lo); ; i = s.behind(i) {
		if nd := &s.nodes[i]; nd.key == k || nd.key == (key{}) {
			return nd
		}
	}
}

// grow makes the table half as large again.
func (s *shard) grow() {
	old := s.nodes
	s.nodes = make([]node, len(old)+len(old)/2)
	for i := range old {
		if old[i].key != (key{}) {
			*s.find(old[i].key) = old[i]
		}
	}
	s.set(s.nodes)
}
