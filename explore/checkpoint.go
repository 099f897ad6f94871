package explore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/zeebo/xxh3"
)

// Checkpoint is a file in which an exhaustive sweep keeps how far it is, so that a
// process that is killed at any moment costs no more than what it did since the file
// was written. A sweep whose checkpoint's file is there goes on from it, and finds
// out what it would have found without having been stopped, with any number of
// workers before and after.
//
// The file is written beside its place and then renamed, and the one before it is
// kept as File.1. A file that is damaged or cut short is noticed by its checksum,
// and the one before it is taken. One of another sweep is refused:
//
//	checkpointHead   a line that says what it is
//	length, JSON     a saved: terms, finished results, the counters of the search under way
//	its states       see resume.go
//	checksum         XXH3-128 of all before it
type Checkpoint struct {
	File string
	// Every is how long it is between two writings; 0: as often as can be.
	Every time.Duration
	// Version is that of the software: a term like those of [Sweep.Terms].
	Version string
	// Note, which may be nil, is told what somebody should know: that the file
	// before was taken, or that none could be written.
	Note func(text string)

	terms   []Term
	states  int // the limit
	results map[int]*Result
	under   *saved // the search to be resumed
	from    string // the file that it is in
	next    time.Time
	closed  bool // an interrupted search is in it
	opened  bool
}

const checkpointHead = "rseqemu checkpoint 1\n"

// saved is what a checkpoint says in JSON.
type saved struct {
	Terms []Term
	// Results are those of finished searches, by finding. States was the limit.
	Results map[int]*Result
	States  int

	Finding int // whose search was under way, with what it had counted
	Without emu.Reduction
	At      cost // of the layer that was taken last
	Lowered bool
	Failed  []savedViolation
	Counts  *Result
}

type savedViolation struct {
	At     cost
	Hi, Lo uint64
	Path   []byte
	Choice emu.Choice
	Ended  bool
	Found  Violation
	Cause  string
}

// Open reads the file, or the one before it, and reports why the sweep can't go on
// from it; without any it begins anew. [Sweep.Run] does it if nobody has.
func (c *Checkpoint) Open(s *Sweep) error {
	terms, err := s.Terms()
	if err != nil {
		return err
	}
	c.terms = append([]Term{{"version", c.Version}}, terms...)
	c.states, c.results, c.next, c.closed = s.Options.Limits.States, map[int]*Result{}, time.Now().Add(c.Every), false
	if s.Random > 0 {
		return errors.New("random runs have no checkpoint: go on with another --seed")
	}
	got, from, err := c.load()
	if err != nil || got == nil {
		c.opened = err == nil
		return err
	}
	if diff := Difference(c.terms, got.Terms); diff != "" {
		return fmt.Errorf("%s is a checkpoint of something else: %s; it is left alone", from, diff)
	}
	limit := c.states
	if limit <= 0 {
		limit = DefaultStates
	}
	if got.States != c.states && got.Counts != nil && got.Counts.States > limit {
		return fmt.Errorf("%s has %d states already, and at most %d are allowed (--states)", from, got.Counts.States, limit)
	}
	for i, r := range got.Results {
		// A larger limit may make an end of what ended at a smaller one.
		if r != nil && (r.Why == "" || got.States == c.states) {
			c.results[i] = r
		}
	}
	c.under, c.from, s.known = got, from, c.results
	c.opened = true
	return nil
}

// load returns what the file says, or else the one before it.
func (c *Checkpoint) load() (*saved, string, error) {
	got, err := readCheckpoint(c.File)
	if err == nil {
		return got, c.File, nil
	}
	before := c.File + ".1"
	old, errBefore := readCheckpoint(before)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case errBefore == nil:
		if !missing {
			c.note(fmt.Sprintf("%s: %v; going on from %s", c.File, err, before))
		}
		return old, before, nil
	case missing && errors.Is(errBefore, fs.ErrNotExist):
		return nil, "", nil
	case missing:
		return nil, "", fmt.Errorf("%s: %w", before, errBefore)
	}
	return nil, "", fmt.Errorf("%s: %w, and there is no %s to go on from; remove it to begin anew", c.File, err, before)
}

func (c *Checkpoint) note(text string) {
	if c.Note != nil {
		c.Note(text)
	}
}

// Remove removes the files, once the sweep has its answer.
func (c *Checkpoint) Remove() error {
	for _, name := range []string{c.File, c.File + ".1", c.File + ".new"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readCheckpoint reads a file, whose every bit it checks, up to the states.
func readCheckpoint(name string) (*saved, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	d, err := newDecoder(f)
	if err != nil {
		return nil, err
	}
	return d.saved()
}

// cause is an error about a file without the file's name.
func cause(err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		return path.Err
	}
	return err
}

var errDamaged = errors.New("the checkpoint is damaged or cut short")

// newDecoder checks the file's head and checksum, and returns what is between them.
func newDecoder(f *os.File) (*decoder, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size() - checksumSize
	head := make([]byte, len(checkpointHead))
	if n, err := io.ReadFull(f, head); err != nil || string(head) != checkpointHead {
		if n < len(head) && bytes.HasPrefix([]byte(checkpointHead), head[:n]) || !bytes.HasPrefix(head, []byte("rseqemu checkpoint ")) {
			return nil, fmt.Errorf("%w, or no checkpoint", errDamaged)
		}
		return nil, fmt.Errorf("it is a checkpoint of another format: %q", bytes.TrimSpace(head))
	}
	if size < int64(len(head)) {
		return nil, errDamaged
	}
	h := xxh3.New()
	h.Write(head)
	if _, err := io.CopyN(h, f, size-int64(len(head))); err != nil {
		return nil, cause(err)
	}
	sum := make([]byte, checksumSize)
	if _, err := io.ReadFull(f, sum); err != nil || h.Sum128().Bytes() != [checksumSize]byte(sum) {
		return nil, errDamaged
	}
	if _, err := f.Seek(int64(len(head)), io.SeekStart); err != nil {
		return nil, cause(err)
	}
	return &decoder{r: bufio.NewReaderSize(f, 1<<20), left: size - int64(len(head))}, nil
}

const checksumSize = 16

func (d *decoder) saved() (*saved, error) {
	text := d.bytes()
	if d.err != nil {
		return nil, d.err
	}
	got := &saved{}
	if err := json.Unmarshal(text, got); err != nil {
		return nil, fmt.Errorf("%w: %v", errDamaged, err)
	}
	return got, nil
}

// write replaces the file. Whenever the process dies, the file or the one before it
// is whole.
func (c *Checkpoint) write(to *saved, states func(e *encoder)) (err error) {
	dir := filepath.Dir(c.File)
	f, err := os.Create(c.File + ".new") // always the same, so that those who die leave one
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	text, err := json.Marshal(to)
	if err != nil {
		panic("explore: BUG: " + err.Error())
	}
	h := xxh3.New()
	e := &encoder{w: bufio.NewWriterSize(io.MultiWriter(f, h), 1<<20)}
	e.w.WriteString(checkpointHead)
	e.bytes(text)
	states(e)
	if err := e.w.Flush(); err != nil {
		return err
	}
	sum := h.Sum128().Bytes()
	if _, err := f.Write(sum[:]); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// A damaged file must not take the place of the one that was gone on from.
	if c.from != c.File+".1" {
		if err := os.Rename(c.File, c.File+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(f.Name(), c.File); err != nil {
		return err
	}
	c.from = c.File
	if d, err := os.Open(dir); err == nil {
		d.Sync() // so that the names last; not every system can
		d.Close()
	}
	return nil
}

// encoder and decoder write and read numbers and bytes behind their length.
type encoder struct{ w *bufio.Writer }

func (e *encoder) number(n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	e.w.Write(b[:])
}

func (e *encoder) bytes(b []byte) {
	e.number(uint64(len(b)))
	e.w.Write(b)
}

type decoder struct {
	r    *bufio.Reader
	left int64 // bytes
	err  error
}

// take reads so many bytes, and no more than there are.
func (d *decoder) take(b []byte) {
	if d.left -= int64(len(b)); d.err == nil && d.left < 0 {
		d.err = errDamaged
	}
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, b)
	}
}

func (d *decoder) number() uint64 {
	var b [8]byte
	if d.take(b[:]); d.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b[:])
}

func (d *decoder) bytes() []byte {
	n := d.number()
	if d.err == nil && n > uint64(d.left) {
		d.err = errDamaged
	}
	if d.err != nil {
		return nil
	}
	b := make([]byte, n)
	d.take(b)
	return b
}

// keeper keeps the search of a finding.
type keeper struct {
	*Checkpoint
	finding int
}

// of returns the keeper of a finding's search; nil without a checkpoint.
func (c *Checkpoint) of(finding int) *keeper {
	if c == nil {
		return nil
	}
	return &keeper{c, finding}
}

// finished notes the result of a search that has ended by itself.
func (c *Checkpoint) finished(finding int, r *Result) {
	if c != nil && !c.closed {
		c.results[finding] = r
	}
}

// due reports whether it is time to write, because the interval is over or the
// search is to end.
func (k *keeper) due(ctx context.Context) bool {
	return k != nil && (ctx.Err() != nil || !time.Now().Before(k.next))
}
