package explore

import (
	"sync"

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
// Of several cheapest ways it is the least by origin, so that it doesn't depend on
// which worker came first.
type node struct {
	key    key
	cost   cost
	parent nodeID // noNode for the initial state
	choice uint32
	origin uint32 // 31 bits of the parent's hash, and closed
}

// closed says in a node's origin that it was expanded.
const closed = 1

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

// nodeID is the number of a node: its shard, and its place in it.
type nodeID uint32

const (
	noNode    = ^nodeID(0)
	shardBits = 6
	shards    = 1 << shardBits
	// blockSize is how many nodes of a shard are allocated together, so that none
	// is ever moved.
	blockSize = 1 << 7
	maxNodes  = 1<<(32-shardBits) - blockSize // of a shard
)

// visited is the set of states, for several workers at a time: shards by hash,
// each an open-addressing table of node numbers.
type visited struct {
	shards [shards]shard
}

type shard struct {
	mu     sync.Mutex
	slots  []uint32 // place + 1, 0 is empty
	blocks [][]node
	n      int
	_      [40]byte // shards are of different cache lines
}

func newVisited() *visited {
	v := &visited{}
	for i := range v.shards {
		v.shards[i].slots = make([]uint32, 1<<6)
	}
	return v
}

// reach notes that a state was reached from parent, whose key is from, by a
// choice at a cost. It returns the state's node, whether it is new, and whether it
// is to be expanded at that cost. The node's number is of no use if full.
func (v *visited) reach(k, from key, parent nodeID, choice uint32, at cost) (n nodeID, isNew, waits, full bool) {
	s := &v.shards[k.hi>>(64-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n*4 >= len(s.slots)*3 {
		s.grow()
	}
	origin := uint32(from.lo) &^ closed
	mask := uint64(len(s.slots) - 1)
	i := k.lo & mask
	for ; s.slots[i] != 0; i = (i + 1) & mask {
		place := s.slots[i] - 1
		nd := s.node(place)
		if nd.key != k {
			continue
		}
		id := nodeID(k.hi>>(64-shardBits))<<(32-shardBits) | nodeID(place)
		better := nd.cost == at && (origin < nd.origin || origin == nd.origin && choice < nd.choice)
		if nd.origin&closed != 0 || nd.cost < at || nd.cost == at && !better {
			return id, false, false, false
		}
		waits = at < nd.cost
		nd.cost, nd.parent, nd.choice, nd.origin = at, parent, choice, origin
		return id, false, waits, false
	}
	if s.n >= maxNodes {
		return 0, false, false, true
	}
	if s.n%blockSize == 0 {
		s.blocks = append(s.blocks, make([]node, blockSize))
	}
	place := uint32(s.n)
	s.n++
	s.slots[i] = place + 1
	*s.node(place) = node{key: k, cost: at, parent: parent, choice: choice, origin: origin}
	return nodeID(k.hi>>(64-shardBits))<<(32-shardBits) | nodeID(place), true, true, false
}

// open marks a state as expanded and returns its node, unless it was expanded
// before.
func (v *visited) open(n nodeID) (nd node, ok bool) {
	s := &v.shards[n>>(32-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.node(uint32(n & (1<<(32-shardBits) - 1)))
	if p.origin&closed != 0 {
		return node{}, false
	}
	p.origin |= closed
	return *p, true
}

// at returns a node. Nobody may be adding any.
func (v *visited) at(n nodeID) *node {
	return v.shards[n>>(32-shardBits)].node(uint32(n & (1<<(32-shardBits) - 1)))
}

func (s *shard) node(place uint32) *node { return &s.blocks[place/blockSize][place%blockSize] }

func (s *shard) grow() {
	s.slots = make([]uint32, 2*len(s.slots))
	mask := uint64(len(s.slots) - 1)
	for place := range uint32(s.n) {
		i := s.node(place).key.lo & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = place + 1
	}
}
