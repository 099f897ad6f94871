package vcpu_test

import (
	"fmt"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/vcpu"
)

// link is what a program goes through before it runs.
func link(text string) *ir.Image {
	p, err := ir.Parse("example.rseq", []byte(text))
	if err != nil {
		panic(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		panic(err)
	}
	return im
}

// Two CPUs add to one cell, by an instruction that isn't locked: the second
// looks between load and store of the first, and one addition is lost.
func ExampleCode_Step() {
	im := link(`
data cell: u64
func inc()
    { ld.8 t0, [cell]; add t0, t0, 1; st.8 [cell], t0 }
    ret
`)
	code, mem := vcpu.Compile(im), vcpu.NewMemory(im, 2, 2)
	cpus := [2]vcpu.Regs{{IP: ir.CodeBase}, {IP: ir.CodeBase}}
	for _, cpu := range []int{0, 1, 1, 0} {
		code.Step(mem, cpu, &cpus[cpu])
		v, _ := mem.Load(im.Symbols["cell"], ir.W8)
		fmt.Printf("c%d at a boundary: %v, cell is %d\n", cpu, cpus[cpu].Boundary(), v)
	}
	// Output:
	// c0 at a boundary: false, cell is 0
	// c1 at a boundary: false, cell is 0
	// c1 at a boundary: true, cell is 1
	// c0 at a boundary: true, cell is 1
}

// A trap says why a CPU stopped. All but a system call leave it at the
// instruction, with nothing done.
func ExampleCode_Run() {
	im := link(`
func f()
    mov  r0, 5
    syscall getpid
    add  r0, r0, 1
    st.8 [r1], r0
`)
	code, mem := vcpu.Compile(im), vcpu.NewMemory(im, 1, 1)
	r := vcpu.Regs{IP: ir.CodeBase}
	for range 2 {
		done, trap := code.Run(mem, 0, &r, 100)
		fmt.Printf("%d instructions, then %v; r0 is %d, ip %#x\n", done, trap, r.R[0], r.IP)
	}
	// Output:
	// 2 instructions, then syscall; r0 is 5, ip 0x10008
	// 1 instructions, then store to 0x0; r0 is 6, ip 0x1000c
}

// Copying the mutable bytes back is all that it takes to restore a memory.
func ExampleMemory_Mutable() {
	im := link("data cell: u32 = 7\nfunc f()\n    nop\n")
	mem, cell := vcpu.NewMemory(im, 1, 1), im.Symbols["cell"]
	saved := append([]byte(nil), mem.Mutable()...)
	mem.Store(0, cell, ir.W4, 8)
	copy(mem.Mutable(), saved)
	fmt.Println(mem.Load(cell, ir.W4))
	// Output: 7 true
}
