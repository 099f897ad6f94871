package ir

import "slices"

// declKind is the kind of a declaration, in the canonical order.
type declKind uint8

const (
	noDecl declKind = iota
	declConst
	declData
	declFunc
	declHandler
	declThread
	declSetup
	declSpec
	declCheck
	declNoRace
	declBlocks
)

// block numbers the blocks of declarations that blank lines always separate.
func (k declKind) block() int {
	switch k {
	case declConst, declData:
		return 1
	case declFunc:
		return 2
	case declHandler, declThread:
		return 3
	}
	return 4
}

// keepsGap reports whether a blank line between a declaration of kind k and one
// of kind next is the author's. There is none before the first declaration,
// and always one around a function and between blocks.
func (k declKind) keepsGap(next declKind) bool {
	return k != noDecl && k != declFunc && k.block() == next.block()
}

// declarations are the words that a declaration begins with.
var declarations map[string]declaration

type declaration struct {
	kind  declKind
	parse func(*parser, Notes)
}

// declarationWords are the same words, for suggestions, in a fixed order.
var declarationWords []string

func init() { // not in the variable's declaration: the functions refer to it
	data := func(k DataKind) declaration {
		return declaration{declData, func(p *parser, n Notes) { p.data(k, n) }}
	}
	check := func(w CheckWhen) declaration {
		return declaration{declCheck, func(p *parser, n Notes) { p.check(w, n) }}
	}
	declarations = map[string]declaration{
		"const":   {declConst, (*parser).constant},
		"func":    {declFunc, (*parser).function},
		"handler": {declHandler, (*parser).handler},
		"thread":  {declThread, (*parser).thread},
		"spec":    {declSpec, (*parser).spec},
		"norace":  {declNoRace, (*parser).noRace},
		"blocks":  {declBlocks, (*parser).blocks},
	}
	for k := range DataKind(len(dataKindNames)) {
		declarations[k.String()] = data(k)
	}
	for w := range CheckWhen(len(checkNames)) {
		declarations[w.String()] = check(w)
	}
	for _, d := range directiveNames {
		declarations[d] = declaration{declSetup, (*parser).directive}
	}
	for word := range declarations {
		declarationWords = append(declarationWords, word)
	}
	slices.Sort(declarationWords)
}

var (
	dataKindNames = [...]string{Global: "data", PerCPU: "percpu", PerThread: "tls", ReadOnly: "rodata"}
	checkNames    = [...]string{Finally: "final", Invariantly: "always"}
	registerNames = [...]string{RegisterFull: "full", RegisterLegacy: "legacy", RegisterNone: "none"}
)

// String returns the word that declares data of the kind.
func (k DataKind) String() string { return named(dataKindNames[:], int(k)) }

// String returns the word that declares such a check: final or always.
func (w CheckWhen) String() string { return named(checkNames[:], int(w)) }

// String returns the word behind register: full, legacy or none.
func (r Registration) String() string { return named(registerNames[:], int(r)) }

func named(names []string, i int) string {
	if i >= 0 && i < len(names) {
		return names[i]
	}
	return "unknown(" + formatInt(int64(i)) + ")"
}

// Directive names a line of [Setup].
type Directive uint8

// The directives, in canonical order.
const (
	ArchDirective Directive = iota
	CPUsDirective
	NodesDirective
	StackDirective
	RegisterDirective
	BudgetDirective
	KernelsDirective

	// NumDirectives is their number.
	NumDirectives = iota
)

var directiveNames = [NumDirectives]string{"arch", "cpus", "nodes", "stack", "register", "budget", "kernels"}

// String returns the word that the directive begins with.
func (d Directive) String() string { return named(directiveNames[:], int(d)) }
