package lift

import (
	"fmt"

	"github.com/rseqemu/rseqemu/ir"
)

// identifier makes a name of the assembler's of a symbol's: list.part.0 becomes
// list_part_0.
func identifier(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			b[i] = '_'
		}
	}
	if len(b) == 0 || b[0] >= '0' && b[0] <= '9' {
		b = append([]byte("_"), b...)
	}
	if _, ok := ir.ParseReg(string(b)); ok {
		b = append(b, '_')
	}
	return string(b)
}

// fresh returns a global name that nothing has yet, and takes it.
func (b *builder) fresh(s string) string {
	s = identifier(s)
	for n, name := 2, s; ; n++ {
		if !b.used[name] {
			b.used[name] = true
			return name
		}
		name = fmt.Sprintf("%s_%d", s, n)
	}
}

// dataName returns the name of a variable of the file.
func (b *builder) dataName(symbol string) string {
	name, ok := b.dataOf[symbol]
	if !ok {
		name = b.fresh(symbol)
		b.dataOf[symbol] = name
	}
	return name
}

// sectionName returns the name of the i-th descriptor of a unit.
func (b *builder) sectionName(u *codeUnit, i int) string {
	key := fmt.Sprintf("%s\x00%d", u.Name, i)
	name, ok := b.dataOf[key]
	if !ok {
		name = u.Name + "_cs"
		if i > 0 {
			name = fmt.Sprintf("%s%d", name, i+1)
		}
		name = b.fresh(name)
		b.dataOf[key] = name
	}
	return name
}

// unique returns a label of a unit that isn't a global name.
func (b *builder) unique(unit, what string) string {
	if b.used[what] {
		return identifier(unit + "_" + what)
	}
	return what
}
