package ir

import "math"

// function reads: push(node, value)
func (p *parser) function(n Notes) {
	f := Func{Notes: n, Name: p.name("a name")}
	p.need("(")
	f.Params = p.names("a parameter")
	if len(f.Params) > MaxArgs {
		p.fail(n.Pos.Col, "a function has at most %d parameters, not %d", MaxArgs, len(f.Params))
	}
	p.prog.Funcs = append(p.prog.Funcs, f)
	p.fn = &p.prog.Funcs[len(p.prog.Funcs)-1]
}

// functionLines are the words, besides mnemonics, that a line of a function
// begins with.
var functionLines = map[string]func(*parser){
	"cs":  (*parser).section,
	"sig": (*parser).signature,
}

// item adds a line to the function's body.
func (p *parser) item(it Item) {
	if p.lines++; p.lines > MaxLines {
		p.fail(it.Notes.Pos.Col, "a program has at most %d lines of code", MaxLines)
	}
	p.fn.Body = append(p.fn.Body, it)
}

// lineNotes are the comments of a line in a function. Its first line has no
// blank one before it.
func (p *parser) lineNotes() Notes {
	n := p.notes()
	if len(p.fn.Body) == 0 && len(p.fn.Sections) == 0 {
		n.Gap = false
	}
	return n
}

// label reads: retry:
func (p *parser) label() {
	if p.fn == nil {
		if _, ok := declarations[p.tok.text]; ok {
			p.next()
			p.expected("a name")
			return
		}
		p.fail(p.tok.col, "a label outside of a function")
		return
	}
	n := p.lineNotes()
	name := p.name("a label")
	p.need(":")
	if p.tok.kind != tokEnd {
		p.fail(p.tok.col, "a label stands on a line of its own")
	}
	p.item(Item{Kind: Label, Name: name, Notes: n})
}

// signature reads: sig 0x1234
func (p *parser) signature() {
	it := Item{Kind: Signature, Notes: p.lineNotes(), DefaultSig: true}
	p.next()
	if p.tok.kind != tokEnd {
		col := p.tok.col
		v := p.number("a signature of 32 bits")
		if v < math.MinInt32 || v > math.MaxUint32 {
			p.fail(col, "a signature has 32 bits")
		}
		it.Value, it.DefaultSig = uint32(v), false
	}
	p.item(it)
}

// section reads: cs push_cs: start_ip=start post_commit_ip=commit abort_ip=abort
func (p *parser) section() {
	if len(p.fn.Body) > 0 {
		p.fail(p.tok.col, "cs stands before the first line of code")
		return
	}
	s := Section{Notes: p.lineNotes()}
	p.next()
	s.Name = p.name("a name")
	p.need(":")
	end := p.tok.col
	seen := map[string]bool{}
	for p.err == nil && p.tok.kind != tokEnd {
		col := p.tok.col
		key := p.name("a field, such as start_ip=start")
		if seen[key] {
			p.fail(col, "%s is given twice", key)
		}
		seen[key] = true
		p.need("=")
		if p.err == nil {
			p.sectionField(&s, key, col)
		}
	}
	switch {
	case p.err != nil:
	case !seen["start_ip"]:
		p.fail(end, "start_ip is missing")
	case seen["post_commit_ip"] == seen["post_commit_offset"]:
		p.fail(end, "one of post_commit_ip and post_commit_offset is needed")
	case !seen["abort_ip"]:
		p.fail(end, "abort_ip is missing")
	}
	p.fn.Sections = append(p.fn.Sections, s)
}

var sectionFields = []string{"start_ip", "post_commit_ip", "post_commit_offset", "abort_ip", "version", "flags"}

// sectionField reads the value of a field.
func (p *parser) sectionField(s *Section, key string, col int) {
	switch key {
	case "start_ip":
		s.StartIP = p.value("an address")
	case "post_commit_ip":
		s.PostCommitIP = p.value("an address")
	case "post_commit_offset":
		s.Offset, s.HasOffset = uint64(p.number("a number")), true
	case "abort_ip":
		s.AbortIP = p.value("an address")
	case "version":
		s.Version = p.word32()
	case "flags":
		s.Flags = p.word32()
	default:
		p.fail(col, "unknown field %s%s", quote(key), didYouMean(key, sectionFields))
	}
}

// word32 reads a number of 32 bits.
func (p *parser) word32() uint32 {
	col := p.tok.col
	u := p.unsigned("a number")
	if u > math.MaxUint32 {
		p.fail(col, "the field has 32 bits")
	}
	return uint32(u)
}
