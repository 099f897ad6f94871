package live_test

import (
	"strings"
	"testing"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/ir"
	"github.com/rseqemu/rseqemu/ir/live"
)

func link(t *testing.T, text string) *ir.Image {
	t.Helper()
	p, err := ir.Parse("test.rseq", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	im, err := ir.Link(p, abi.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// say lists a set; sp, which always is in it, is left out.
func say(s live.Set) string {
	var out []string
	for r := range ir.SP {
		if s>>r&1 != 0 {
			out = append(out, r.String())
		}
	}
	for _, w := range []struct {
		set  live.Set
		name string
	}{{live.Set(ir.FlagsReg), "nzcv"}, {live.CPUIDStart, "cpu_id_start"}, {live.CPUID, "cpu_id"}, {live.CS, "rseq_cs"}, {live.Flags, "flags"},
		{live.NodeID, "node_id"}, {live.MMCID, "mm_cid"}} {
		if s&w.set != 0 {
			out = append(out, w.name)
		}
	}
	return strings.Join(out, " ")
}

// TestWhatIsReadBehindIsLive: before each instruction, what a program can read from
// there on; the comment says it.
func TestWhatIsReadBehindIsLive(t *testing.T) {
	for name, text := range map[string]string{
		"straight": `
func f(a, b)
    add r2, r0, 1   # r0 r1 r30
    mov r0, r2      # r1 r2 r30
    ret             # r0 r1 r30
thread: f 1, 2`,
		"a branch needs what either way does": `
func f()
    beq r3, 0, zero  # r1 r3 r4 r30
    mov r0, r4       # r1 r4 r30
    ret              # r0 r1 r30
zero:
    mov r0, 0        # r1 r30
    ret              # r0 r1 r30
thread: f`,
		"flags, and what keeps them": `
func f()
    adds r5, r2, 1   # r1 r2 r30
    addsk r5, r5, 1  # r1 r5 r30 nzcv
    csel.lo r0, r5, r5  # r1 r5 r30 nzcv
    ret              # r0 r1 r30
thread: f`,
		"a section needs what its handler does, and rseq_cs; the next call, cpu_id": `
func f()
    cs s: start_ip=start post_commit_ip=commit abort_ip=abort
    mov r2, s              # r1 r7 r30 cpu_id
    st.8 [tp + rseq_cs], r2  # r1 r2 r7 r30 cpu_id
start:
    ld.4 r3, [tp + cpu_id] # r1 r7 r30 cpu_id rseq_cs
    mov r7, 1              # r1 r3 r7 r30 cpu_id rseq_cs
    st.8 [100], r3         # r1 r3 r7 r30 cpu_id rseq_cs
commit:
    mov r0, 0              # r1 r30 cpu_id
    ret                    # r0 r1 r30 cpu_id
    sig
abort:
    mov r0, r7             # r1 r7 r30 cpu_id
    ret                    # r0 r1 r30 cpu_id
thread: f`,
		"a call needs everything": `
func g()
    ret      # *
func f()
    call g   # *
    ret      # *
thread: f`,
	} {
		if name == "straight" {
			text = strings.Replace(text, "f 1, 2", "f", 1)
		}
		im := link(t, text)
		facts := live.Of(im)
		i := 0
		for _, line := range strings.Split(text, "\n") {
			_, want, ok := strings.Cut(line, "# ")
			if !ok {
				continue
			}
			got := facts.At(im.Addrs[i])
			switch want = strings.TrimSpace(want); {
			case want == "*" && got&live.Set(ir.AllRegs) != live.Set(ir.AllRegs):
				t.Errorf("%s: %q: live is %s, want everything", name, line, say(got))
			case want != "*" && say(got) != want:
				t.Errorf("%s: %q: live is %s", name, line, say(got))
			}
			i++
		}
	}
}

// TestALooseThreadPointerReadsEverything: if it is used for anything but an access at
// a fixed distance, any word may be read and written anywhere.
func TestALooseThreadPointerReadsEverything(t *testing.T) {
	for line, loose := range map[string]bool{
		"ld.4 r0, [tp + cpu_id]": false, "st.8 [tp + 8], 0": false, "mov r0, tp": true, "add r0, r0, tp": true,
		"ld.8 r0, [r1 + tp]": true, "la r0, [tp + 8]": true, "la r7, [tp + 8]": false, // nobody reads r7
		"ld.8 r0, [tp + r1]": true, "st.8 [r0], tp": true,
	} {
		facts := live.Of(link(t, "func f()\n "+line+"\n ret\nthread: f"))
		if got := facts.Read == live.Words && facts.Written == live.Words; got != loose {
			t.Errorf("%s: read %s, written %s", line, say(facts.Read), say(facts.Written))
		}
	}
}

// TestSectionsThatTheKernelRefusesAreUnsound.
func TestSectionsThatTheKernelRefusesAreUnsound(t *testing.T) {
	const text = "func f()\n cs s: start_ip=start post_commit_ip=commit abort_ip=abort\n st.8 [tp + rseq_cs], s\nstart:\n nop\n nop\ncommit:\n ret\n sig\nabort:\n ret\nthread: f"
	for _, tt := range []struct {
		old, new string
		sound    bool
	}{
		{"", "", true}, {"cs s:", "cs s: flags=1", false}, {"cs s:", "cs s: version=1", false}, {" sig\n", " sig 0x1234\n", false},
		{"abort_ip=abort", "abort_ip=start", false}, {"abort_ip=abort", "abort_ip=12", false},
	} {
		src := strings.Replace(text, tt.old, tt.new, 1)
		if s := live.Of(link(t, src)).Sections[0]; s.Sound != tt.sound {
			t.Errorf("%q: %+v", tt.new, s)
		}
	}
}

// TestStepsAreWhatTheyTouch.
func TestStepsAreWhatTheyTouch(t *testing.T) {
	for line, want := range map[string]live.Step{
		"nop": live.Private, "add r0, r1, 2": live.Private, "{ shl t0, r1, 3; add r2, t0, 8 }": live.Private, "beq r0, 0, end": live.Private,
		"ld.8 r0, [r1]": live.Loads, "{ ld.4 t0, [tp + cpu_id]; bne.4 t0, r1, end }": live.Loads, "ld.8.acq r0, [r1]": live.Accesses,
		"st.8 [r1], r0": live.Accesses, "xadd r0, [r1], r0": live.Accesses, "fence": live.Private,
		"{ st.8 [r1], r0; st.8 [r2], r0 }": live.Visible, "lock { st.8 [r1], r0; st.8 [r2], r0 }": live.Accesses, "ll.8 r0, [r1]": live.Visible,
		"{ ld.8 t0, [r1]; st.8 [r2], t0 }": live.Visible, "syscall sched_yield": live.Visible,
		"trap brk": live.Visible, "jmpr r0": live.Visible, "ret": live.Return,
	} {
		im := link(t, "func f()\n "+line+"\nend:\n ret\nthread: f")
		if got := live.Of(im).StepAt(im.Addrs[0]); got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
}
