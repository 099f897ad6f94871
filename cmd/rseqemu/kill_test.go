package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestKilledChecksGoOn kills the command again and again, without a warning, at
// moments that nobody has chosen: while it searches, while it writes a checkpoint,
// between the renames. What it prints in the end is what it prints undisturbed.
func TestKilledChecksGoOn(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("there are no processes here")
	}
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"holds", []string{"percpu:list", "--kernels", "6.18,7.3", "--memory", "tso", "--budget", "preempt=2,migrate=2"}},
		{"broken", []string{filepath.Join("..", "..", "examples", "list-no-cpu-check.rseq"), "--kernels", "6.18,7.3", "--memory", "tso", "--budget", "preempt=3,migrate=2"}},
	} {
		args := append([]string{"check", "--json"}, tt.args...)
		want, wantErr := exec.Command("rseqemu", args...).Output()
		if len(want) == 0 {
			t.Fatalf("%s: %v", tt.name, wantErr)
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "x.ckpt")
		rnd, kills := rand.New(rand.NewPCG(7, 7)), 0
		for round := range 6 {
			before := modified(file)
			cmd := exec.Command("rseqemu", append(args, "--checkpoint", file, "--checkpoint-every", "3ms")...)
			cmd.Env = append(os.Environ(), "GOMAXPROCS="+string(rune('1'+round%3)))
			var errOut bytes.Buffer
			cmd.Stderr = &errOut
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			for modified(file) == before && len(ended) == 0 {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Duration(rnd.IntN(20_000)) * time.Microsecond)
			if len(ended) == 0 {
				kills++
			}
			cmd.Process.Kill()
			<-ended
			if errOut.Len() > 0 {
				t.Errorf("%s, round %d: %s", tt.name, round, &errOut)
			}
		}
		got, gotErr := exec.Command("rseqemu", append(args, "--checkpoint", file)...).Output()
		if !bytes.Equal(got, want) || (wantErr == nil) != (gotErr == nil) || wantErr != nil && wantErr.Error() != gotErr.Error() {
			t.Errorf("%s: after %d kills %v\n%.500s\nnot %v\n%.500s", tt.name, kills, gotErr, got, wantErr, want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %v are left", tt.name, left)
		}
		if t.Logf("%s: killed %d times", tt.name, kills); strings.Contains(tt.name, "holds") && kills == 0 {
			t.Error("it was never killed")
		}
	}
}

// modified tells when a file was written; nothing if it isn't there.
func modified(name string) (at time.Time) {
	if info, err := os.Stat(name); err == nil {
		at = info.ModTime()
	}
	return at
}
