package boot

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// The guest's second serial port carries nothing but a greeting and then a gzip
// stream of frames: a kind, a length of four bytes, and as many bytes. What the
// kernel and the firmware print goes to the first port.
//
// It is compressed because an emulated serial port costs an interrupt for every
// 16 bytes, and those interrupts hit the very CPUs that are looked at.

// greeting begins the stream. What comes before it is noise, of a firmware or a
// driver that tried the port.
const greeting = "\nrseqemu boot 1\n"

// kind says what is in a frame.
type kind byte

// The kinds of frames.
const (
	kindOut     kind = 'o' // standard output of the command
	kindErr     kind = 'e' // standard error of the command
	kindAlive   kind = 'a' // nothing: the guest is alive
	kindExit    kind = 'x' // the command's exit code, in four bytes: the last frame
	kindFailure kind = 'f' // why the command could not be run: the last frame
)

// maxFrame bounds what a reader believes.
const maxFrame = 1 << 20

// frameWriter writes frames. Its methods can be called from many goroutines.
type frameWriter struct {
	mu    sync.Mutex
	gz    *gzip.Writer
	dirty bool
	err   error
}

// newFrameWriter greets whoever reads w.
func newFrameWriter(w io.Writer) *frameWriter {
	_, err := io.WriteString(w, greeting)
	gz, levelErr := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if levelErr != nil {
		panic("boot: BUG: " + levelErr.Error())
	}
	return &frameWriter{gz: gz, err: err}
}

// write writes one frame or, if b is long, several.
func (f *frameWriter) write(k kind, b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for first := true; f.err == nil && (first || len(b) > 0); first = false {
		n := min(len(b), maxFrame)
		head := binary.LittleEndian.AppendUint32([]byte{byte(k)}, uint32(n))
		if _, f.err = f.gz.Write(head); f.err == nil {
			_, f.err = f.gz.Write(b[:n])
		}
		b = b[n:]
	}
	f.dirty = true
	return f.err
}

// flush sends what was written.
func (f *frameWriter) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dirty && f.err == nil {
		f.err = f.gz.Flush()
		f.dirty = false
	}
}

// keepAlive flushes often and says now and then that the guest is alive. It
// never returns.
func (f *frameWriter) keepAlive(flush, alive time.Duration) {
	for n := time.Duration(0); ; n += flush {
		if n >= alive {
			f.write(kindAlive, nil)
			n = 0
		}
		f.flush()
		time.Sleep(flush)
	}
}

// close ends the stream.
func (f *frameWriter) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = f.gz.Close()
	}
	return f.err
}

// as returns a writer of frames of one kind.
func (f *frameWriter) as(k kind) io.Writer { return kindWriter{f, k} }

type kindWriter struct {
	f *frameWriter
	k kind
}

func (w kindWriter) Write(b []byte) (int, error) {
	if err := w.f.write(w.k, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// guestError is a failure that the guest's init reports.
type guestError string

func (e guestError) Error() string { return "the guest: " + string(e) }

// writeError is an error of those that want the output, not of the line.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// readFrames hands out what the frames hold, calls alive at each, and returns
// the exit code. Its error is io.ErrUnexpectedEOF if the stream just ends.
func readFrames(r io.Reader, stdout, stderr io.Writer, alive func()) (int, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	if err := skipGreeting(br); err != nil {
		return 0, err
	}
	gz, err := gzip.NewReader(br)
	if err != nil {
		return 0, garbled(err)
	}
	gz.Multistream(false) // the line may go on
	var head [5]byte
	buf := make([]byte, 4096)
	for {
		if _, err := io.ReadFull(gz, head[:]); err != nil {
			return 0, garbled(err)
		}
		k, n := kind(head[0]), binary.LittleEndian.Uint32(head[1:])
		if n > maxFrame {
			return 0, garbled(fmt.Errorf("a frame of %d bytes", n))
		}
		if int(n) > len(buf) {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(gz, buf[:n]); err != nil {
			return 0, garbled(err)
		}
		alive()
		switch k {
		case kindOut:
			_, err = stdout.Write(buf[:n])
		case kindErr:
			_, err = stderr.Write(buf[:n])
		case kindAlive:
		case kindFailure:
			return 0, guestError(buf[:n])
		case kindExit:
			if n != 4 {
				return 0, garbled(fmt.Errorf("an exit code of %d bytes", n))
			}
			// The checksum of all follows.
			if _, err := gz.Read(head[:1]); err != io.EOF {
				return 0, garbled(err)
			}
			return int(binary.LittleEndian.Uint32(buf)), nil
		default:
			return 0, garbled(fmt.Errorf("a frame of kind %q", k))
		}
		if err != nil {
			return 0, writeError{err}
		}
	}
}

// skipGreeting reads up to and with the greeting.
func skipGreeting(r *bufio.Reader) error {
	var last []byte
	for string(last) != greeting {
		c, err := r.ReadByte()
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		if last = append(last, c); len(last) > len(greeting) {
			last = last[1:]
		}
	}
	return nil
}

// garbled is an error about the line, and io.ErrUnexpectedEOF if there was none
// and it ended.
func garbled(err error) error {
	if err == nil {
		err = errors.New("something behind its end")
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the guest's serial line is garbled: %w", err)
}
