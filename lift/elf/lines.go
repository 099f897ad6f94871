package elf

import (
	"cmp"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/rseqemu/rseqemu/ir"
)

// maxInflated bounds how much longer than its compressed form a section of
// debugging information may say that it is. Compilers come to six.
const maxInflated = 64

// lines finds source lines, from when somebody asks.
type lines struct {
	once     sync.Once
	open     func() (d *dwarf.Data, info []byte, lineBytes int, err error)
	data     *dwarf.Data
	units    []unit
	rows     map[int64][]row // of each line program that was asked about
	left     int             // how many more rows there may be
	decoding sync.Mutex
}

// unit is a range of addresses that a compilation unit describes.
type unit struct {
	lo, hi uint64
	at     dwarf.Offset
}

// row is where the code of a line begins, or a sequence of lines ends. A compiler
// gives code that is of no line the number 0.
type row struct {
	addr uint64
	file string
	line int
	end  bool
}

// debugNames are the sections that the lines are in.
var debugNames = []string{"info", "abbrev", "line", "str", "ranges", "addr", "line_str", "str_offsets", "rnglists"}

// debugSection is one of them, as it is in the file.
type debugSection struct {
	index     int
	b         []byte
	relas     []*elf.Section // of a relocatable object
	relaBytes [][]byte
}

// debugSections takes the debugging information out of the file. Only the bytes
// are read now.
func (f *file) debugSections() (*lines, error) {
	all := map[string]debugSection{}
	byIndex := map[int]string{}
	for i, s := range f.elf.Sections {
		name, ok := strings.CutPrefix(s.Name, ".debug_")
		if !ok || !slices.Contains(debugNames, name) || s.Type != elf.SHT_PROGBITS || s.Flags&elf.SHF_ALLOC != 0 {
			continue
		}
		if _, twice := all[name]; twice {
			continue // type units, which have no lines
		}
		if s.Size > maxInflated*s.FileSize {
			return nil, fmt.Errorf("section %d (%s) has %#x bytes and says that they inflate to %#x", i, s.Name, s.FileSize, s.Size)
		}
		b, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %d (%s): %w", i, s.Name, err)
		}
		all[name], byIndex[i] = debugSection{index: i, b: b}, name
	}
	if len(all["info"].b) == 0 || len(all["line"].b) == 0 {
		return nil, nil
	}
	for i, s := range f.elf.Sections {
		name, ok := byIndex[int(s.Info)]
		if !ok || !f.Relocatable || s.Type != elf.SHT_RELA {
			continue
		}
		b, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %d (%s): %w", i, s.Name, err)
		}
		d := all[name]
		d.relas, d.relaBytes = append(d.relas, s), append(d.relaBytes, b)
		all[name] = d
	}
	return &lines{open: func() (*dwarf.Data, []byte, int, error) {
		b := map[string][]byte{}
		for _, name := range debugNames {
			r, err := f.debugRelocated(all[name])
			if err != nil {
				return nil, nil, 0, err
			}
			b[name] = r
		}
		d, err := dwarf.New(b["abbrev"], nil, nil, b["info"], b["line"], nil, b["ranges"], b["str"])
		if err != nil {
			return nil, nil, 0, err
		}
		for _, name := range []string{"addr", "line_str", "str_offsets", "rnglists"} {
			if len(b[name]) == 0 {
				continue
			}
			if err := d.AddSection(".debug_"+name, b[name]); err != nil {
				return nil, nil, 0, err
			}
		}
		return d, b["info"], len(b["line"]), nil
	}}, nil
}

// Line returns the source line of the instruction at addr, and false if the file
// doesn't say. It may be called by several goroutines.
func (o *Object) Line(addr ir.Addr) (file string, line int, ok bool) {
	l := o.lines
	if l == nil {
		return "", 0, false
	}
	l.once.Do(func() {
		// debug/dwarf warns that it may panic on malformed information.
		defer func() {
			if recover() != nil {
				l.units = nil
			}
		}()
		l.readUnits()
	})
	l.decoding.Lock()
	defer l.decoding.Unlock()
	i := sort.Search(len(l.units), func(i int) bool { return l.units[i].lo > uint64(addr) }) - 1
	for ; i >= 0; i-- {
		if u := &l.units[i]; uint64(addr) < u.hi {
			return l.find(u.at, uint64(addr))
		}
		if i+maxLookBack < len(l.units) && l.units[i+maxLookBack].lo <= uint64(addr) {
			break
		}
	}
	return "", 0, false
}

// readUnits finds which unit describes which addresses. It goes from unit to
// unit by their lengths, since dwarf.Reader would read all that is in them.
func (l *lines) readUnits() {
	d, info, lineBytes, err := l.open()
	l.open = nil
	if err != nil {
		return
	}
	l.left = lineBytes + 1
	l.data, l.rows = d, map[int64][]row{}
	for off := uint64(0); off+12 <= uint64(len(info)); {
		size, header := uint64(binary.LittleEndian.Uint32(info[off:])), uint64(4)
		if size == 0xffffffff {
			size, header = binary.LittleEndian.Uint64(info[off+4:]), 12
		}
		next := off + header + size
		if next <= off || next > uint64(len(info)) {
			break
		}
		r := d.Reader()
		// The header behind the length: version, then address size and the
		// place of the abbreviations; DWARF 5 has a unit type before them.
		first := off + header + 2 + 1 + (header+4)/2
		if binary.LittleEndian.Uint16(info[off+header:]) >= 5 {
			first++
		}
		r.Seek(dwarf.Offset(first))
		if e, err := r.Next(); err == nil && e != nil && e.Tag == dwarf.TagCompileUnit {
			ranges, err := d.Ranges(e)
			for _, rg := range ranges {
				if err == nil && rg[0] < rg[1] {
					l.units = append(l.units, unit{rg[0], rg[1], e.Offset})
				}
			}
		}
		off = next
	}
	slices.SortStableFunc(l.units, func(a, b unit) int { return cmp.Compare(a.lo, b.lo) })
}

// find looks up an address in the lines of a unit.
func (l *lines) find(at dwarf.Offset, addr uint64) (file string, line int, ok bool) {
	defer func() {
		if recover() != nil { // as in Line
			ok = false
		}
	}()
	r := l.data.Reader()
	r.Seek(at)
	e, err := r.Next()
	if err != nil || e == nil {
		return "", 0, false
	}
	program, ok := e.Val(dwarf.AttrStmtList).(int64)
	if !ok {
		return "", 0, false
	}
	rows, ok := l.rows[program]
	if !ok {
		rows = l.readRows(e)
		l.rows[program] = rows
	}
	i := sort.Search(len(rows), func(i int) bool { return rows[i].addr > addr }) - 1
	for i >= 0 && rows[i].line == 0 && !rows[i].end {
		i--
	}
	if i < 0 || rows[i].end {
		return "", 0, false
	}
	return rows[i].file, rows[i].line, true
}

// readRows reads the lines of a unit.
func (l *lines) readRows(e *dwarf.Entry) (rows []row) {
	defer func() {
		if recover() != nil {
			rows = nil
		}
	}()
	lr, err := l.data.LineReader(e)
	if err != nil || lr == nil {
		return nil
	}
	for {
		// A row takes a byte at least, and programs don't share them.
		if l.left--; l.left < 0 {
			return nil
		}
		var entry dwarf.LineEntry
		if err := lr.Next(&entry); err != nil {
			if err != io.EOF {
				return nil
			}
			break
		}
		n := row{addr: entry.Address, line: entry.Line, end: entry.EndSequence}
		if entry.File != nil {
			n.file = entry.File.Name
		}
		rows = append(rows, n)
	}
	// Of several rows at an address the last counts, and the end of a sequence
	// counts less than the beginning of another.
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.addr, b.addr), compareBool(b.end, a.end))
	})
	return rows
}
