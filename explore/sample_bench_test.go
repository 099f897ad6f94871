package explore_test

import (
	"context"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/props/percpu"
)

// twenty is three threads that make one operation of twenty instructions each,
// undisturbed.
const twenty = `
cpus 2
percpu count: u64[4]

func add(n)
    cs add_cs: start_ip=start post_commit_ip=commit abort_ip=abort
retry:
    ld.4  r2, [tp + cpu_id_start]
    { shl t0, r2, percpu_shift; add r3, t0, count }
    mov   r4, add_cs
    st.8  [tp + rseq_cs], r4
start:
    ld.4  r5, [tp + cpu_id]
    bne.4 r5, r2, abort
    ld.8  r4, [r3]
    ld.8  r6, [r3 + 8]
    add   r7, r6, 1
    ld.8  r8, [r3 + 16]
    add   r8, r8, r0
    and   r9, r8, 0xff
    beq   r9, 0xff, abort
    st.8  [r3 + 8], r7
    st.8  [r3 + 16], r8
    add   r5, r4, r0
    st.8  [r3], r5
commit:
    mov   r0, r4
    mov   r1, r2
    ret
    sig
abort:
    jmp   retry

thread: add 1
thread: add 2
thread: add 4
`

// BenchmarkSchedules makes complete random runs of it, without and with a
// specification to be held.
func BenchmarkSchedules(b *testing.B) {
	for _, what := range []struct{ name, source string }{{"plain", twenty}, {"spec", twenty + "spec counter(add)\n"}} {
		for _, s := range samplers(b) {
			b.Run(what.name+"/"+s.String(), func(b *testing.B) {
				p := parse(b, what.source)
				m, fs := boot(b, p, on(b, "6.18", "preempt=2 migrate=2")), propsOf(b, p)
				b.ReportAllocs()
				b.ResetTimer()
				r, err := explore.Sample(context.Background(), m, fs, s, 1, b.N, explore.Limits{}, nil)
				if err != nil || r.Failure != nil {
					b.Fatal(r, err)
				}
				b.ReportMetric(float64(r.Runs)/b.Elapsed().Seconds(), "schedules/s")
				b.ReportMetric(float64(r.Transitions)/float64(r.Runs), "transitions/schedule")
			})
		}
	}
}

// BenchmarkSeededBugs has each sampler look for every seeded bug of props/percpu,
// on the first kernel family on which one is found, with three seeds and at most
// 20,000 runs each. It tells how many bugs were missed with some seed, and how many
// runs the mean bug took.
func BenchmarkSeededBugs(b *testing.B) {
	const most = 20_000
	runs := func(p *ir.Program, k emu.Kernel, s explore.Sampler, seed uint64) (int, bool) {
		r, err := explore.Sample(b.Context(), boot(b, p, emu.Config{Kernel: k}), propsOf(b, p), s, seed*1_000_000, most, explore.Limits{}, nil)
		if err != nil {
			b.Fatal(err)
		}
		return r.Runs, r.Failure != nil
	}
	type bug struct {
		p *ir.Program
		k emu.Kernel
	}
	var bugs []bug
	for _, seeded := range percpu.Bugs() {
		p, err := seeded.Parse()
		if err != nil {
			b.Fatal(err)
		}
		kernels, err := explore.Claimed(p)
		if err != nil {
			b.Fatal(err)
		}
		for _, k := range kernels {
			if _, found := runs(p, k, explore.Guided(), 0); found {
				bugs = append(bugs, bug{p, k})
				break
			}
		}
	}
	for i, name := range explore.SamplerNames {
		b.Run(name, func(b *testing.B) {
			missed, sum := 0, 0
			for b.Loop() {
				for _, bug := range bugs {
					all := true
					for seed := range uint64(3) {
						n, found := runs(bug.p, bug.k, samplers(b)[i], seed)
						all, sum = all && found, sum+n
					}
					if !all {
						missed++
					}
				}
			}
			b.ReportMetric(float64(len(bugs)), "bugs")
			b.ReportMetric(float64(missed)/float64(b.N), "missed")
			b.ReportMetric(float64(sum)/float64(b.N*3*len(bugs)), "runs/bug")
		})
	}
}
