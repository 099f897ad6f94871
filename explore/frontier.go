package explore

import "encoding/binary"

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
	bytes  int // of all buffers that were ever made
}

func (s *spare) chunk(size int) []byte {
	if n := len(s.chunks); n > 0 && size <= chunkSize {
		c := s.chunks[n-1]
		s.chunks = s.chunks[:n-1]
		return c
	}
	s.bytes += max(size, chunkSize)
	return make([]byte, 0, max(size, chunkSize))
}

func (f *frontier) push(from *spare, k key, state []byte) {
	size := entryHead + len(state)
	last := len(f.chunks) - 1
	switch {
	case last < 0:
		// Of a program that loops there are many frontiers, with a state each.
		from.bytes += 2 * size
		f.chunks = append(f.chunks, make([]byte, 0, 2*size))
		last++
	case cap(f.chunks[last])-len(f.chunks[last]) < size:
		f.chunks = append(f.chunks, from.chunk(size))
		last++
	}
	b := f.chunks[last]
	b = binary.LittleEndian.AppendUint64(b, k.hi)
	b = binary.LittleEndian.AppendUint64(b, k.lo)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(state)))
	f.chunks[last] = append(b, state...)
}

// entryHead is what is in front of a state: its key and length.
const entryHead = 20

// each calls visit for every entry of a buffer until it returns false.
func each(b []byte, visit func(k key, state []byte) bool) bool {
	for len(b) > 0 {
		k := key{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
		end := entryHead + binary.LittleEndian.Uint32(b[16:])
		if !visit(k, b[entryHead:end]) {
			return false
		}
		b = b[end:]
	}
	return true
}

// release leaves a buffer that was visited to others.
func (s *spare) release(b []byte) {
	if cap(b) == chunkSize {
		s.chunks = append(s.chunks, b[:0])
	}
}
