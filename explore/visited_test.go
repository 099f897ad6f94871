package explore

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestVisitedIsASet: it answers as a map does, however much the keys collide,
// and numbers nodes in the order in which they came.
func TestVisitedIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := newVisited()
		want := map[key]int32{}
		spread := rapid.SampledFrom([]uint64{3, 100, 1 << 12, 1 << 40}).Draw(t, "spread")
		seed := rapid.Uint64().Draw(t, "seed")
		for range rapid.SampledFrom([]int{10, 20_000}).Draw(t, "keys") {
			seed = seed*6364136223846793005 + 1442695040888963407
			// Few low bits, which choose the slot.
			k := key{hi: seed >> 60, lo: (seed >> 20) % spread << 3}
			n, isNew := v.lookup(k)
			m, seen := want[k]
			if isNew == seen || seen && n != m || !seen && int(n) != len(want) {
				t.Fatalf("%v is %d, new: %t; want %d, seen: %t", k, n, isNew, m, seen)
			}
			want[k] = n
		}
		if len(v.nodes) != len(want) || len(v.keys) != len(want) {
			t.Fatalf("%d nodes, %d keys, want %d", len(v.nodes), len(v.keys), len(want))
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
				f.push(&pool, int32(i), state)
				want = append(want, state)
			}
			if f.empty() {
				t.Fatal("a full one is empty")
			}
			at := 0
			f.each(func(n int32, state []byte) bool {
				if int(n) != at || !bytes.Equal(state, want[at]) {
					t.Fatalf("entry %d: node %d, %d bytes, want %d", at, n, len(state), len(want[at]))
				}
				at++
				return true
			})
			if at != len(want) {
				t.Fatalf("%d of %d entries", at, len(want))
			}
			visits := 0
			f.each(func(int32, []byte) bool { visits++; return false })
			if visits != 1 {
				t.Fatalf("false did not end it: %d visits", visits)
			}
			f.release(&pool)
			if !f.empty() {
				t.Fatal("a released one isn't empty")
			}
		}
	})
}
