package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// Canonical numbers: decimal as long as a person reads it at a glance, and
// hexadecimal for what is likely an address, a mask or a signature. How the
// source wrote it is not kept.

// appendUint appends u in canonical form.
func appendUint(b []byte, u uint64) []byte {
	if u < 1<<12 || u%1000 == 0 && u < 1e12 {
		return strconv.AppendUint(b, u, 10)
	}
	return strconv.AppendUint(append(b, "0x"...), u, 16)
}

// appendInt appends n in canonical form. What is too negative to be a distance
// or an errno is a bit pattern.
func appendInt(b []byte, n int64) []byte {
	if n < 0 && n >= -1<<31 {
		return appendUint(append(b, '-'), uint64(-n))
	}
	return appendUint(b, uint64(n))
}

func formatInt(n int64) string { return string(appendInt(nil, n)) }

// appendOffset appends " + n", or " - n".
func appendOffset(b []byte, n int64, space string) []byte {
	b = append(b, space...)
	if n < 0 && n >= -1<<31 {
		return appendUint(append(append(b, '-'), space...), uint64(-n))
	}
	return appendUint(append(append(b, '+'), space...), uint64(n))
}

// parseUint reads a number without its sign, as decimal or, after 0x,
// hexadecimal. The error is a text for the person who wrote it.
func parseUint(s string) (uint64, error) {
	digits, base := s, 10
	if len(s) > 1 && s[0] == '0' {
		if s[1] != 'x' && s[1] != 'X' {
			return 0, fmt.Errorf("bad number %s: a number that begins with 0 is hexadecimal, 0x…", clip(s))
		}
		digits, base = s[2:], 16
	}
	u, err := strconv.ParseUint(digits, base, 64)
	switch {
	case err == nil:
		return u, nil
	case strings.HasSuffix(err.Error(), strconv.ErrRange.Error()):
		return 0, fmt.Errorf("number %s does not fit into 64 bits", clip(s))
	}
	return 0, fmt.Errorf("bad number %s", clip(s))
}
