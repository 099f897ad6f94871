package explore

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestVisitedIsAMap: of each state it keeps the cheapest way, the least of several,
// however much the keys collide.
func TestVisitedIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := newVisited()
		want := map[key]node{}
		spread := rapid.SampledFrom([]uint64{3, 100, 1 << 12, 1 << 40}).Draw(t, "spread")
		seed := rapid.Uint64().Draw(t, "seed")
		lowered := false
		for range rapid.SampledFrom([]int{10, 20_000}).Draw(t, "keys") {
			seed = seed*6364136223846793005 + 1442695040888963407
			// Few shards, and few places in them.
			k := key{hi: seed>>60 | 1, lo: (seed >> 20) % spread}
			k.lo |= seed >> 62 << 62
			from, choice, at := key{lo: seed >> 30 % 4}, uint32(seed>>40%3), cost(seed>>50%5)
			isNew, waits, known := v.reach(k, from, choice, at)
			nd, seen := want[k]
			if lower := seen && at < nd.cost; isNew == seen || seen && known != min(at, nd.cost) || waits != (!seen || lower) {
				t.Fatalf("%v: new %t, waits %t; had %+v", k, isNew, waits, nd)
			} else if lower {
				lowered = true
			}
			if now := (node{k, from.lo, choice, at}); !seen || at < nd.cost ||
				at == nd.cost && (choice < nd.choice || choice == nd.choice && now.parent < nd.parent) {
				want[k] = now
			}
		}
		for k, nd := range want {
			at := &v.shards[k.lo>>(64-shardBits)]
			if got := *at.find(k); got != nd {
				t.Fatalf("%+v, want %+v", got, nd)
			}
			if !v.costs(k, nd.cost) || lowered && v.costs(k, nd.cost+1) {
				t.Fatalf("%+v doesn't cost that", nd)
			}
			if _, ok := v.half(k.lo, nd.cost+1); !ok {
				t.Fatalf("%+v isn't found by half of its key", nd)
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
			if len(f.chunks) > 0 {
				t.Fatal("a new one isn't empty")
			}
			for i := range rapid.IntRange(1, 60).Draw(t, "states") {
				size := rapid.SampledFrom([]int{0, 1, 300, 300, chunkSize - entryHead, chunkSize - entryHead + 1, 3 * chunkSize}).Draw(t, "size")
				state := bytes.Repeat([]byte{byte(i + 1)}, size)
				f.push(&pool, key{uint64(i), 7}, state)
				want = append(want, state)
			}
			if len(f.chunks) == 0 {
				t.Fatal("a full one is empty")
			}
			at := 0
			for _, b := range f.chunks {
				each(b, func(k key, state []byte) bool {
					if k != (key{uint64(at), 7}) || !bytes.Equal(state, want[at]) {
						t.Fatalf("entry %d: key %v, %d bytes, want %d", at, k, len(state), len(want[at]))
					}
					at++
					return true
				})
			}
			if at != len(want) {
				t.Fatalf("%d of %d entries", at, len(want))
			}
			visits := 0
			if each(f.chunks[0], func(key, []byte) bool { visits++; return false }) || visits != 1 {
				t.Fatalf("false did not end it: %d visits", visits)
			}
			for _, b := range f.chunks {
				pool.release(b)
			}
		}
	})
}
