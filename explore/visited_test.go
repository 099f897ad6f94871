package explore

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestVisitedIsAMap: of each state it keeps the cheapest way, the least of several,
// until it is opened, however much the keys collide.
func TestVisitedIsAMap(t *testing.T) {
	type entry struct {
		node
		id nodeID
	}
	rapid.Check(t, func(t *rapid.T) {
		v := newVisited()
		want := map[key]*entry{}
		spread := rapid.SampledFrom([]uint64{3, 100, 1 << 12, 1 << 40}).Draw(t, "spread")
		seed := rapid.Uint64().Draw(t, "seed")
		for range rapid.SampledFrom([]int{10, 20_000}).Draw(t, "keys") {
			seed = seed*6364136223846793005 + 1442695040888963407
			// Few low bits, which choose the slot, and few high ones, the shard.
			k := key{hi: seed >> 60 << 60, lo: (seed >> 20) % spread << 3}
			from, choice, at := key{lo: seed >> 30 % 4 << 1}, uint32(seed>>40%3), cost(seed>>50%5)
			n, isNew, waits, full := v.reach(k, from, nodeID(seed%7), choice, at)
			e, seen := want[k]
			better := !seen || e.origin&closed == 0 && (at < e.cost ||
				at == e.cost && (uint32(from.lo) < e.origin || uint32(from.lo) == e.origin && choice < e.choice))
			if full || isNew == seen || seen && n != e.id || waits != (!seen || better && at < e.cost) {
				t.Fatalf("%v is %d, new %t, waits %t; had %+v", k, n, isNew, waits, e)
			}
			if !seen {
				e = &entry{id: n}
				want[k] = e
			}
			if better {
				e.node = node{k, at, nodeID(seed % 7), choice, uint32(from.lo)}
			}
			if seed>>35%4 == 0 {
				nd, ok := v.open(n)
				if ok != (e.origin&closed == 0) {
					t.Fatalf("%v was opened: %t", k, !ok)
				}
				e.origin |= closed
				if ok && nd != e.node {
					t.Fatalf("%v is %+v, want %+v", k, nd, e.node)
				}
			}
		}
		for _, e := range want {
			if *v.at(e.id) != e.node {
				t.Fatalf("%+v, want %+v", *v.at(e.id), e.node)
			}
		}
	})
}

// TestFrontierGivesBackWhatItGot, in that order, also states that are larger
// than a chunk and in chunks that others used before.
func TestFrontierGivesBackWhatItGot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pool spare
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			var f frontier
			var want [][]byte
			if !f.empty() {
				t.Fatal("a new one isn't empty")
			}
			for i := range rapid.IntRange(1, 60).Draw(t, "states") {
				size := rapid.SampledFrom([]int{0, 1, 300, 300, chunkSize - 8, chunkSize - 7, 3 * chunkSize}).Draw(t, "size")
				state := bytes.Repeat([]byte{byte(i + 1)}, size)
				f.push(&pool, nodeID(i), state)
				want = append(want, state)
			}
			if f.empty() {
				t.Fatal("a full one is empty")
			}
			at := 0
			for _, b := range f.chunks {
				each(b, func(n nodeID, state []byte) bool {
					if int(n) != at || !bytes.Equal(state, want[at]) {
						t.Fatalf("entry %d: node %d, %d bytes, want %d", at, n, len(state), len(want[at]))
					}
					at++
					return true
				})
			}
			if at != len(want) {
				t.Fatalf("%d of %d entries", at, len(want))
			}
			visits := 0
			if each(f.chunks[0], func(nodeID, []byte) bool { visits++; return false }) || visits != 1 {
				t.Fatalf("false did not end it: %d visits", visits)
			}
			for _, b := range f.chunks {
				pool.release(b)
			}
		}
	})
}
