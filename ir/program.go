package ir

import "github.com/rseqemu/rseqemu/abi"

// Addr is a guest virtual address.
type Addr uint64

// Program is everything that a machine needs besides its kernel: code, data,
// critical-section descriptors, the threads' scripts, and what its author says
// must hold. It is the parse tree too: comments and names are kept, so that
// printing and parsing give the same program back.
type Program struct {
	Name     string // for messages; a file's name without its ending
	File     string // the name that Parse was given; empty if built from Go
	Consts   []Const
	Data     []Data
	Funcs    []Func
	Handlers []Handler
	Threads  []Thread
	Setup    Setup
	Specs    []Spec
	Checks   []Check
	NoRaces  []NoRace
	Blocks   []Blocks
	// Foot holds the comment lines after the last declaration, like Lead.
	Foot []string
}

// Notes are the comments of a declaration or line: whole lines before it and
// the rest of its own line, both without their mark. A blank line before it is
// kept as Gap, one between or behind the lines of Lead as an element "\n". Gap is
// false where there is always a blank line (around functions, between blocks of
// declarations) or never one (at the beginning).
type Notes struct {
	Gap   bool
	Lead  []string
	Trail string
	Pos   Pos
}

// Pos is a place in a source text; the zero Pos is a program built from Go.
// Line and Col count from 1, Col in bytes.
type Pos struct {
	Line, Col int
}

// Value is a symbol plus an offset; Sym is empty for a plain number.
type Value struct {
	Sym string
	Off int64
}

// Const is a named number.
type Const struct {
	Name  string
	Value int64
	Notes Notes
}

// DataKind says where a variable lives and how often.
type DataKind uint8

// The kinds of data.
const (
	Global    DataKind = iota // data: one, readable and writable
	PerCPU                    // percpu: one for each CPU (or mm_cid), 1<<percpu_shift bytes apart
	PerThread                 // tls: one for each thread, at a distance from struct rseq
	ReadOnly                  // rodata: one, not writable
)

// Data is a variable: Count elements of Width bytes, the first len(Init) of
// them given, the rest zero.
type Data struct {
	Kind  DataKind
	Name  string
	Width Width
	Count int
	Init  []Value
	// At is the distance from the thread pointer (PerThread only); HasAt says
	// that the source gives it, otherwise the linker lays it out after
	// struct rseq.
	At    int64
	HasAt bool
	Notes Notes
}

// Func is an operation: a thread's script calls it, and each call and return is
// an entry in the history.
type Func struct {
	Name     string
	Params   []string // names of r0, r1, …; documentation and messages only
	Sections []Section
	Body     []Item
	Notes    Notes
	// Tail holds indented comment lines after the last item, like Lead.
	Tail []string
}

// ItemKind tells the lines of a function apart.
type ItemKind uint8

// The kinds of line.
const (
	Code      ItemKind = iota // Instr
	Label                     // Name is defined here
	Signature                 // a 4-byte word: Value, or the architecture's signature if DefaultSig
)

// Item is a line of a function's body.
type Item struct {
	Kind       ItemKind
	Name       string
	Instr      Instr
	Value      uint32
	DefaultSig bool
	Notes      Notes
}

// Section declares a critical section's descriptor, struct rseq_cs, in
// read-only data under its name. The labels are of the function that holds it.
// Any field can be given as a number, since wrong descriptors are half the
// point.
type Section struct {
	Name    string
	Version uint32
	Flags   uint32
	StartIP Value
	// PostCommitIP gives post_commit_offset as PostCommitIP - StartIP, unless
	// HasOffset, when Offset is the field itself.
	PostCommitIP Value
	HasOffset    bool
	Offset       uint64
	AbortIP      Value
	Notes        Notes
}

// Handler installs a function as the handler of a signal before the threads
// start.
type Handler struct {
	Signal abi.Signal
	Func   string
	Notes  Notes
}

// Thread is a thread's script: the operations that it calls, in order.
type Thread struct {
	// CPUs is the affinity mask, bit n for CPU n; 0 allows all.
	CPUs  uint64
	Calls []OpCall
	Notes Notes
}

// OpCall is one operation of a script.
type OpCall struct {
	Func string
	Args []Value
	Pos  Pos
}

// Registration says who registers the threads' rseq areas.
type Registration uint8

// The ways to be registered.
const (
	RegisterFull   Registration = iota // libc, with the kernel's feature size: V2 where there is one
	RegisterLegacy                     // libc, with the original 32 bytes: V1
	RegisterNone                       // nobody; the program calls rseq itself
)

// Setup is the machine that the program wants; the zero value leaves all to
// the caller.
type Setup struct {
	// Arch is the architecture of the kernels that are meant if none is named:
	// that of lifted code.
	Arch      abi.Arch
	CPUs      int // number of CPUs, 0: caller's choice
	Nodes     int // NUMA nodes that the CPUs are dealt to, 0: one
	Register  Registration
	StackSize int // bytes a thread, 0: none, or enough for nested frames if there are handlers
	Budget    Budget
	// Kernels are the kernels that the program claims to be right on, in the
	// words of the emulator's kernel patterns; empty: all.
	Kernels []string
	Notes   []SetupNote
	// Places are where the source gives the directives.
	Places [NumDirectives]Pos
}

// SetupNote keeps a directive's comments under the directive's name.
type SetupNote struct {
	Directive string
	Notes     Notes
}

// Budget bounds how many kernel events of each kind may happen in one run; a
// nil map entry is the caller's default. The names are those of the choices.
type Budget []BudgetItem

// BudgetItem is one bound.
type BudgetItem struct {
	Event string
	Max   int
}

// Spec names a sequential specification and the functions that play its roles:
// spec stack(push, pop).
type Spec struct {
	Name  string
	Funcs []string
	Order Consistency
	Notes Notes
}

// Consistency says which order of the calls must explain them.
type Consistency uint8

// The consistencies. The last two ask for less than the first, each for something else.
const (
	Linearizable Consistency = iota // one that keeps the order in time
	Sequential                      // one that keeps each thread's own, whenever they happened
	Quiescent                       // one that keeps the order of calls between which there was a moment without any
)

var consistencies = [...]string{"linearizable", "sequential", "quiescent"}

func (c Consistency) String() string { return consistencies[c] }

// NoRace names data that the program's source accesses as plain variables, so
// that two threads must not do it at once: norace head, node.
type NoRace struct {
	Data  []string
	Notes Notes
}

// Blocks says what allocates and frees blocks of memory: blocks 16 alloc(pop)
// free(push) retire(swap). A block is given by its address.
type Blocks struct {
	Size int // of a block, in bytes
	// Alloc returns a block, or 0; Free is given one, and returns 0 if it took
	// it; Retire returns one that is free from then on, or 0.
	Alloc, Free, Retire []string
	Notes               Notes
}

// CheckWhen says when a check is evaluated.
type CheckWhen uint8

// The times of a check.
const (
	Finally     CheckWhen = iota // final: after every thread has finished
	Invariantly                  // always: after every transition
)

// Check is a condition on memory.
type Check struct {
	When  CheckWhen
	Cond  Expr
	Notes Notes
}

// Expr is an expression over memory and history, as a tree. It is written and
// read here and evaluated by those who can see the machine.
type Expr struct {
	Op   ExprOp
	Num  int64  // Num
	Sym  string // Sym, Index, Sum, Calls, Addr: the name
	Args []Expr // operands; the index of Index, the distance of List
	Pos  Pos    // where it begins, parentheses aside
}

// ExprOp is the node of an expression.
type ExprOp uint8

// The nodes.
const (
	ExprNum   ExprOp = iota // 42
	ExprSym                 // x: a constant, or the first element of global data
	ExprIndex               // x[e]: element e of global data; of per-CPU data, the first element on CPU e
	ExprSum                 // sum(x): all elements, on all CPUs
	ExprCalls               // calls(f): finished calls of f
	ExprAdd                 // a + b
	ExprSub                 // a - b
	ExprMul                 // a * b
	ExprEq                  // a == b; conditions are 1 or 0
	ExprNe
	ExprLt
	ExprLe
	ExprGt
	ExprGe
	ExprAnd // a && b
	ExprOr  // a || b

	ExprAddr // &x: the address of data; of per-CPU data, that on CPU 0
	ExprGot  // got(f): finished calls of f whose r0 wasn't 0
	ExprList // list(x, n): nodes of the lists whose heads are x, on all CPUs, linked by the word n bytes into a node; a cycle breaks the check
)
