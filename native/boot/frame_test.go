package boot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestEveryByteArrives whatever was on the line before, in however many writes.
func TestEveryByteArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line, out, errOut, wantOut, wantErr bytes.Buffer
		line.WriteString(rapid.StringMatching(`(SeaBIOS|\x1bc|\n|rseqemu boot|\[ *[0-9.]+\] ok)*`).Draw(t, "noise"))
		f := newFrameWriter(&line)
		for range rapid.IntRange(0, 20).Draw(t, "writes") {
			b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				f.as(kindErr).Write(b)
				wantErr.Write(b)
			case 1:
				f.write(kindAlive, nil)
				f.flush()
			default:
				f.as(kindOut).Write(b)
				wantOut.Write(b)
			}
		}
		code := rapid.IntRange(0, 255).Draw(t, "code")
		f.write(kindExit, binary.LittleEndian.AppendUint32(nil, uint32(code)))
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
		line.WriteString("what a kernel says at the end")
		got, err := readFrames(&line, &out, &errOut, func() {})
		if err != nil || got != code {
			t.Fatalf("exit code %d, %v; want %d", got, err, code)
		}
		if !bytes.Equal(out.Bytes(), wantOut.Bytes()) || !bytes.Equal(errOut.Bytes(), wantErr.Bytes()) {
			t.Fatalf("got %q and %q, want %q and %q", &out, &errOut, &wantOut, &wantErr)
		}
	})
}

// TestOutputComesAsItIsFlushed and does not wait for the end.
func TestOutputComesAsItIsFlushed(t *testing.T) {
	r, w := io.Pipe()
	seen := make(chan string)
	go readFrames(r, writerFunc(func(b []byte) { seen <- string(b) }), io.Discard, func() {})
	go func() {
		f := newFrameWriter(w)
		f.as(kindOut).Write([]byte("one"))
		f.flush()
	}()
	if got := <-seen; got != "one" {
		t.Errorf("got %q", got)
	}
	w.Close()
}

type writerFunc func(b []byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

// TestSomebodyElseTakesHisTime, and the guest doesn't count as silent.
func TestSomebodyElseTakesHisTime(t *testing.T) {
	p := &pulse{}
	if !p.silent(time.Minute) {
		t.Error("a guest that never spoke isn't silent")
	}
	p.during(writerFunc(func([]byte) {
		if p.silent(0) {
			t.Error("silent while somebody else is waited for")
		}
	})).Write(nil)
	if p.silent(time.Minute) || !p.silent(-time.Minute) {
		t.Error("the time is not from the end of the write")
	}
}

// TestBigWritesAreSplit, and writers at the same time don't mix their frames.
func TestBigWritesAreSplit(t *testing.T) {
	var line, out, errOut bytes.Buffer
	f := newFrameWriter(&line)
	big := bytes.Repeat([]byte("0123456789"), maxFrame/4)
	var both sync.WaitGroup
	both.Go(func() { f.as(kindOut).Write(big) })
	both.Go(func() { f.as(kindErr).Write(big) })
	both.Wait()
	f.write(kindExit, make([]byte, 4))
	f.close()
	if _, err := readFrames(&line, &out, &errOut, func() {}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), big) || !bytes.Equal(errOut.Bytes(), big) {
		t.Error("it isn't what was written")
	}
}

// whole is a line with output and an end.
func whole() []byte {
	var line bytes.Buffer
	f := newFrameWriter(&line)
	f.as(kindOut).Write([]byte(strings.Repeat("a line\n", 100)))
	f.write(kindExit, make([]byte, 4))
	f.close()
	return line.Bytes()
}

// TestALineThatEndsEarly is told from one that is garbled.
func TestALineThatEndsEarly(t *testing.T) {
	line := whole()
	for n := range line {
		if _, err := readFrames(bytes.NewReader(line[:n]), io.Discard, io.Discard, func() {}); err != io.ErrUnexpectedEOF {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
}

func TestAFailureInTheGuest(t *testing.T) {
	var line bytes.Buffer
	f := newFrameWriter(&line)
	f.write(kindFailure, []byte("cannot run /x"))
	f.close()
	_, err := readFrames(&line, io.Discard, io.Discard, func() {})
	if guest := guestError(""); !errors.As(err, &guest) || guest != "cannot run /x" {
		t.Error(err)
	}
}

// FuzzReadFrames reads anything: a byte that is not as it was sent never gets an
// exit code.
func FuzzReadFrames(f *testing.F) {
	line := whole()
	f.Add(line)
	f.Add(line[len(greeting):])
	for _, i := range []int{len(greeting) + 12, len(line) / 2, len(line) - 6} {
		bad := bytes.Clone(line)
		bad[i] ^= 4
		f.Add(bad)
	}
	want := []byte(strings.Repeat("a line\n", 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		_, err := readFrames(bytes.NewReader(b), &out, io.Discard, func() {})
		if len(b) == len(line) && !bytes.Equal(b, line) && err == nil && bytes.Equal(b[:len(greeting)+10], line[:len(greeting)+10]) && !bytes.Equal(out.Bytes(), want) {
			t.Errorf("garbled, and nothing was noticed: %q", b)
		}
	})
}
