package bench

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// wasmOps is the number of WebAssembly instructions in one iteration.
const wasmOps = 13

// wasmLoop is a module that exports its memory as "mem" and a function "run":
//
//	(func (export "run") (param $n i64)
//	  (loop $again
//	    (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 1)))
//	    (br_if $again (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))
//
// The compare is spelled out, as it is in the emulator's bne r2, 0.
var wasmLoop = []byte{
	0, 'a', 's', 'm', 1, 0, 0, 0,
	1, 5, 1, 0x60, 1, 0x7e, 0, // types: (i64) → ()
	3, 2, 1, 0, // functions: one, of that type
	5, 3, 1, 0, 1, // memories: one, of a page
	7, 13, 2, // exports
	3, 'm', 'e', 'm', 2, 0,
	3, 'r', 'u', 'n', 0, 0,
	10, 32, 1, 30, 0, // code: one body without locals
	0x03, 0x40, //         loop
	0x41, 8, //              1 i32.const 8    where to store
	0x41, 8, //              2 i32.const 8
	0x29, 3, 0, //           3 i64.load
	0x42, 1, //              4 i64.const 1
	0x7c,       //           5 i64.add
	0x37, 3, 0, //           6 i64.store
	0x20, 0, //              7 local.get n
	0x42, 1, //              8 i64.const 1
	0x7d,    //              9 i64.sub
	0x22, 0, //             10 local.tee n
	0x42, 0, //             11 i64.const 0
	0x52,    //             12 i64.ne
	0x0d, 0, //             13 br_if
	0x0b, //               end
	0x0b, //             end
}

// wasm is the loop in wazero's interpreter.
type wasm struct {
	ctx   context.Context
	fn    api.Function
	mem   api.Memory
	stack [1]uint64
}

func newWasm(tb testing.TB) *wasm {
	tb.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	tb.Cleanup(func() { rt.Close(ctx) })
	mod, err := rt.Instantiate(ctx, wasmLoop)
	if err != nil {
		tb.Fatal(err)
	}
	return &wasm{ctx: ctx, fn: mod.ExportedFunction("run"), mem: mod.Memory()}
}

// run does n iterations.
func (w *wasm) run(tb testing.TB, n int) {
	w.stack[0] = uint64(n)
	if err := w.fn.CallWithStack(w.ctx, w.stack[:]); err != nil {
		tb.Fatal(err)
	}
}

func (w *wasm) cell(tb testing.TB) uint64 {
	b, ok := w.mem.Read(8, 8)
	if !ok {
		tb.Fatal("no memory")
	}
	return binary.LittleEndian.Uint64(b)
}
