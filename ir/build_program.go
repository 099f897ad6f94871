package ir

import "github.com/rseqemu/rseqemu/abi"

// Programs from Go. The methods add to the plain structures, which remain open
// to be read and changed; [Link] checks the whole.

// NewProgram returns a program without anything in it. The name is for
// messages.
func NewProgram(name string) *Program { return &Program{Name: name} }

// Const defines a constant.
func (p *Program) Const(name string, value int64) *Program {
	p.Consts = append(p.Consts, Const{Name: name, Value: value})
	return p
}

// Var defines data: count elements of a width, the first of them with values.
func (p *Program) Var(kind DataKind, name string, w Width, count int, init ...Value) *Program {
	p.Data = append(p.Data, Data{Kind: kind, Name: name, Width: w, Count: count, Init: init})
	return p
}

// VarAt defines a thread-local variable at a distance from the thread pointer,
// and so from struct rseq.
func (p *Program) VarAt(at int64, name string, w Width, count int, init ...Value) *Program {
	p.Data = append(p.Data, Data{Kind: PerThread, Name: name, Width: w, Count: count, Init: init, At: at, HasAt: true})
	return p
}

// Add adds functions.
func (p *Program) Add(funcs ...*Func) *Program {
	for _, f := range funcs {
		p.Funcs = append(p.Funcs, *f)
	}
	return p
}

// Handle installs a function as the handler of a signal.
func (p *Program) Handle(sig abi.Signal, fn string) *Program {
	p.Handlers = append(p.Handlers, Handler{Signal: sig, Func: fn})
	return p
}

// Thread adds a thread that does these operations and may run on any CPU.
func (p *Program) Thread(calls ...OpCall) *Program { return p.ThreadOn(0, calls...) }

// ThreadOn adds a thread with an affinity mask, bit n for CPU n.
func (p *Program) ThreadOn(cpus uint64, calls ...OpCall) *Program {
	p.Threads = append(p.Threads, Thread{CPUs: cpus, Calls: calls})
	return p
}

// Do returns an operation of a thread's script.
func Do(fn string, args ...Value) OpCall { return OpCall{Func: fn, Args: args} }

// Spec says which sequential specification the operations follow, and which
// functions play its roles.
func (p *Program) Spec(name string, funcs ...string) *Program {
	p.Specs = append(p.Specs, Spec{Name: name, Funcs: funcs})
	return p
}

// Check adds a condition; [ParseExpr] reads one from text.
func (p *Program) Check(when CheckWhen, cond Expr) *Program {
	p.Checks = append(p.Checks, Check{When: when, Cond: cond})
	return p
}

// NoRace names data that two threads must not access at once, if either stores
// and either access is plain.
func (p *Program) NoRace(data ...string) *Program {
	p.NoRaces = append(p.NoRaces, NoRace{Data: data})
	return p
}

// Block says what allocates and frees blocks of memory.
func (p *Program) Block(b Blocks) *Program {
	p.Blocks = append(p.Blocks, b)
	return p
}

// NewFunc returns a function without a body. The parameters are names for r0,
// r1 and so on.
func NewFunc(name string, params ...string) *Func { return &Func{Name: name, Params: params} }

// Comment sets the comment lines before the function.
func (f *Func) Comment(lines ...string) *Func {
	f.Notes.Lead = lines
	return f
}

// Section declares a critical section between labels of the function.
func (f *Func) Section(name, start, postCommit, abort string) *Func {
	f.Sections = append(f.Sections, Section{
		Name: name, StartIP: Sym(start), PostCommitIP: Sym(postCommit), AbortIP: Sym(abort),
	})
	return f
}

// Label defines a label at the next instruction.
func (f *Func) Label(name string) *Func {
	f.Body = append(f.Body, Item{Kind: Label, Name: name})
	return f
}

// Do adds instructions of one micro-op each.
func (f *Func) Do(ops ...Op) *Func {
	for _, o := range ops {
		f.Bundle(o)
	}
	return f
}

// Bundle adds one instruction of one to three micro-ops.
func (f *Func) Bundle(ops ...Op) *Func { return f.Instr(NewInstr(ops...)) }

// Instr adds an instruction.
func (f *Func) Instr(in Instr) *Func {
	f.Body = append(f.Body, Item{Kind: Code, Instr: in})
	return f
}

// Sig adds the architecture's signature, which stands before abort_ip.
func (f *Func) Sig() *Func {
	f.Body = append(f.Body, Item{Kind: Signature, DefaultSig: true})
	return f
}

// SigValue adds a signature of one's own.
func (f *Func) SigValue(v uint32) *Func {
	f.Body = append(f.Body, Item{Kind: Signature, Value: v})
	return f
}
