package report_test

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/report"
)

// TestStarvedFunctions are listed once each, by what it takes.
func TestStarvedFunctions(t *testing.T) {
	const text = `
func often()
    cs often_cs: start_ip=start post_commit_ip=commit abort_ip=abort
retry:
    mov   r4, often_cs
    st.8  [tp + rseq_cs], r4
start:
    nop
commit:
    ret
    sig
abort:
    jmp   retry

func once()
    ret

`
	for threads, want := range map[string]string{
		"thread: often; often; once\nthread: often\n": "often never ends if there is a preemption each time around (no bug: any retry loop can be starved)",
		"thread: once\n": "",
		"thread: often\nbudget preempt=0 migrate=0 membarrier=1\nkernels 6.18": "often never ends if there is a membarrier each time around (no bug: any retry loop can be starved)",
		"thread: often\nbudget preempt=0 migrate=0":                            "",
	} {
		p, err := ir.Parse("test.rseq", []byte(text+threads))
		if err != nil {
			t.Fatal(err)
		}
		k, err := emu.ParseKernel("6.18")
		if err != nil {
			t.Fatal(err)
		}
		c := &report.Check{}
		if err := c.Starve(p, emu.Config{}, k); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range c.Starved {
			got = append(got, c.Starved[i].Text())
		}
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("%q: %q, want %q", threads, s, want)
		}
	}
}
