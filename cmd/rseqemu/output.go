package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/rseqemu/rseqemu/report"
)

// output is a stream that remembers its first error, and whether a person reads
// it.
type output struct {
	w     io.Writer
	err   error
	tty   bool
	style report.Style
}

func newOutput(w io.Writer) *output {
	o := &output{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		o.tty = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return o
}

// Write keeps the first error; what comes later is dropped.
func (o *output) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(b)
	o.err = err
	return n, err
}

func (o *output) printf(format string, args ...any) { fmt.Fprintf(o, format, args...) }

// json prints a value as one object.
func (o *output) json(v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("rseqemu: BUG: " + err.Error())
	}
	o.Write(append(b, '\n'))
}

// setColor decides about colour, by the flag, and by what stdout is.
func (a *app) setColor() error {
	switch a.color {
	case "auto":
		a.out.style.Color = a.out.tty && os.Getenv("NO_COLOR") == "" && !a.asJSON
	case "always":
		a.out.style.Color = !a.asJSON
	case "never":
	default:
		return fmt.Errorf("--color is auto, always or never, not %q", a.color)
	}
	return nil
}
