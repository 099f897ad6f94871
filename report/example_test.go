package report_test

import (
	"fmt"
	"os"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/report"
)

func ExampleTell() {
	p, err := ir.Parse("mark.rseq", []byte(`
func mark()
    st.4  [tp + cpu_id_start], 85
    ld.4  r0, [tp + cpu_id_start]
    ret

thread: mark
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := explore.ParseSchedule("mark.sched", []byte(`rseqemu schedule 1
kernel 6.18
cpus 2
budget preempt=1 migrate=1

c0 step
c0 preempt
c1 run t0
c1 step x2
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := emu.New(p, s.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	story, err := report.Tell(m, s, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	story.Text(os.Stdout, report.Style{})
	// Output:
	//      c0 c1
	//             mark()
	//    1 t0 .     mark        st.4 [tp + cpu_id_start], 85  cpu_id_start of t0 = 85
	//    2 !  .   c0 preempt    t0 leaves c0 before "ld.4 r0, [tp + cpu_id_start]" at mark+4
	//    3 .  t0  c1 run t0     t0 gets c1, was on c0
	//                           the kernel writes the ids: cpu_id 1, node_id 0, mm_cid 0
	//    4 .  t0    mark+4      ld.4 r0, [tp + cpu_id_start]  r0 = 1
	//    5 .  t0    mark+8      ret                           returns 1, r1 = 0
	//                                                         t0 ends
}
