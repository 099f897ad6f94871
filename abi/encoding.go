package abi

import (
	"encoding/binary"
	"fmt"
)

// A ShortBufferError says that a buffer can't hold a structure.
type ShortBufferError struct {
	Struct string // the kernel's name of the structure, such as "struct rseq"
	Need   int    // what the structure takes, in bytes
	Have   int    // the length of the buffer, in bytes
}

// Error returns a sentence such as "abi: struct rseq needs 33 bytes, buffer has
// 32".
func (e *ShortBufferError) Error() string {
	return fmt.Sprintf("abi: %s needs %d bytes, buffer has %d", e.Struct, e.Need, e.Have)
}

// orderProbe reads as 1 in big endian order, and as 256 in little endian.
var orderProbe = []byte{0, 1}

// isBig reports whether order is big endian. Encoders ask it once and then
// call [encoding/binary]'s concrete types: a buffer that is handed to an
// interface's method escapes, so that a caller's array on the stack would be
// allocated on the heap.
func isBig(order binary.ByteOrder) bool { return order.Uint16(orderProbe) == 1 }

func put16(b []byte, off int, v uint16, big bool) {
	if big {
		binary.BigEndian.PutUint16(b[off:], v)
	} else {
		binary.LittleEndian.PutUint16(b[off:], v)
	}
}

func put32(b []byte, off int, v uint32, big bool) {
	if big {
		binary.BigEndian.PutUint32(b[off:], v)
	} else {
		binary.LittleEndian.PutUint32(b[off:], v)
	}
}

func put64(b []byte, off int, v uint64, big bool) {
	if big {
		binary.BigEndian.PutUint64(b[off:], v)
	} else {
		binary.LittleEndian.PutUint64(b[off:], v)
	}
}

func get16(b []byte, off int, big bool) uint16 {
	if big {
		return binary.BigEndian.Uint16(b[off:])
	}
	return binary.LittleEndian.Uint16(b[off:])
}

func get32(b []byte, off int, big bool) uint32 {
	if big {
		return binary.BigEndian.Uint32(b[off:])
	}
	return binary.LittleEndian.Uint32(b[off:])
}

func get64(b []byte, off int, big bool) uint64 {
	if big {
		return binary.BigEndian.Uint64(b[off:])
	}
	return binary.LittleEndian.Uint64(b[off:])
}
