package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Recording is what a kernel answered, case by case. It is a [Target]: what it
// was asked it answers, again and on any machine.
type Recording struct {
	// Kernel is the profile that the recording stands for, as emu.ParseKernel
	// reads it: 6.19.14, 7.1.3/arm64, 7.3.4/debug. Uname is what the machine called
	// itself.
	Kernel string
	Uname  string
	// Config are the switches of the kernel's configuration that matter, as far as
	// they are known: CONFIG_DEBUG_RSEQ and so on.
	Config map[string]string
	// Outcomes are the answers, by the names of the cases.
	Outcomes map[string]Outcome
	// Skipped are the cases that couldn't be run, and why.
	Skipped map[string]string
	// Repeated are the cases that were run more often than others, since some
	// runs had other outcomes.
	Repeated map[string]Repeats
}

// Repeats is how often a case was run, and what came besides its answer.
type Repeats struct {
	Runs int      `json:"runs"`
	Odd  int      `json:"odd"`
	Also []string `json:"also"`
}

// RecordingSchema is the version of the form of recordings.
const RecordingSchema = 2

// recordingFile is a recording as JSON. The cases that differ in their points
// only and have the same outcome stand together, "COUNTER.preempt@add+1 add+2",
// so that a file is short, and a difference between two is a line or two.
type recordingFile struct {
	Schema   int                `json:"schema"`
	Kernel   string             `json:"kernel"`
	Uname    string             `json:"uname"`
	Config   map[string]string  `json:"config,omitempty"`
	Outcomes map[string]Outcome `json:"outcomes"`
	Skipped  map[string]string  `json:"skipped,omitempty"`
	Repeated map[string]Repeats `json:"repeated,omitempty"`
}

// ReadRecording reads a recording's file; name is for messages.
func ReadRecording(name string, data []byte) (*Recording, error) {
	var version struct {
		Schema int `json:"schema"`
	}
	var f recordingFile
	err := json.Unmarshal(data, &version)
	if err == nil && version.Schema == RecordingSchema {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		err = d.Decode(&f)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: no recording: %v", name, err)
	case version.Schema != RecordingSchema:
		return nil, fmt.Errorf("%s: the recording has schema %d, and this program knows %d: record the kernel again", name, version.Schema, RecordingSchema)
	case f.Kernel == "" || len(f.Outcomes) == 0:
		return nil, fmt.Errorf("%s: no recording: it names no kernel or has no outcomes", name)
	}
	return &Recording{
		Kernel: f.Kernel, Uname: f.Uname, Config: f.Config,
		Outcomes: unfold(f.Outcomes), Skipped: unfold(f.Skipped), Repeated: f.Repeated,
	}, nil
}

// Bytes is the recording as a file, an outcome a line and in an order that doesn't
// depend on how it was made, so that two can be compared.
func (r *Recording) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n \"schema\": %d,\n \"kernel\": %s,\n \"uname\": %s", RecordingSchema, compact(r.Kernel), compact(r.Uname))
	section(&b, "config", r.Config)
	section(&b, "outcomes", fold(r.Outcomes, Outcome.String))
	section(&b, "skipped", fold(r.Skipped, func(s string) string { return s }))
	section(&b, "repeated", r.Repeated)
	b.WriteString("\n}\n")
	return b.Bytes()
}

// section writes a map with a line for each entry.
func section[T any](b *bytes.Buffer, name string, all map[string]T) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, ",\n %s: {", compact(name))
	for i, key := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "\n  %s: %s", compact(key), compact(all[key]))
	}
	b.WriteString("\n }")
}

func compact(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("conform: BUG: " + err.Error())
	}
	return strings.TrimSpace(b.String())
}

// fold puts what is the same at several points of a case under one name.
func fold[T any](all map[string]T, text func(T) string) map[string]T {
	order := map[string]int{}
	for i, c := range suite() {
		order[c.Name] = i
	}
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if order[a] != order[b] {
			return order[a] - order[b]
		}
		return strings.Compare(a, b)
	})
	points := map[[2]string][]string{} // by the case without its point, and the outcome
	var keys [][2]string
	out := map[string]T{}
	for _, name := range names {
		family, point, ok := strings.Cut(name, "@")
		if !ok {
			out[name] = all[name]
			continue
		}
		key := [2]string{family, text(all[name])}
		if points[key] == nil {
			keys = append(keys, key)
		}
		points[key] = append(points[key], point)
	}
	for _, key := range keys {
		out[key[0]+"@"+strings.Join(points[key], " ")] = all[key[0]+"@"+points[key][0]]
	}
	return out
}

// unfold undoes fold.
func unfold[T any](all map[string]T) map[string]T {
	out := map[string]T{}
	for name, v := range all {
		family, points, ok := strings.Cut(name, "@")
		if !ok {
			out[name] = v
			continue
		}
		for _, p := range strings.Fields(points) {
			out[family+"@"+p] = v
		}
	}
	return out
}

// Name implements [Target].
func (r *Recording) Name() string { return "Linux " + r.Kernel + " as recorded" }

// Tier implements [Target].
func (r *Recording) Tier() Tier { return TierInject }

// Run implements [Target].
func (r *Recording) Run(_ context.Context, c *Case) (Outcome, error) {
	if o, ok := r.Outcomes[c.Name]; ok {
		return o, nil
	}
	if reason, ok := r.Skipped[c.Name]; ok {
		return Outcome{}, &Skip{Reason: reason}
	}
	return Outcome{}, &Skip{Reason: "the case is not in the recording"}
}

// Record puts a result into the recording, whatever was wanted of it.
func (r *Recording) Record(res *Result) {
	switch {
	case res.Status == Skipped:
		r.Skipped[res.Case.Name] = res.Detail
		return
	case res.Status == Failed:
		return
	}
	r.Outcomes[res.Case.Name] = res.Outcome
	if len(res.Odd) > 0 {
		rep := Repeats{Runs: res.Runs, Odd: len(res.Odd)}
		for _, o := range distinct(res.Odd) {
			rep.Also = append(rep.Also, o.String())
		}
		r.Repeated[res.Case.Name] = rep
	}
}

// Add adds what another recording says of the suite's cases that this one doesn't
// have.
func (r *Recording) Add(old *Recording) {
	for _, c := range suite() {
		_, recorded := r.Outcomes[c.Name]
		if _, skipped := r.Skipped[c.Name]; recorded || skipped {
			continue
		}
		if o, ok := old.Outcomes[c.Name]; ok {
			r.Outcomes[c.Name] = o
		}
		if reason, ok := old.Skipped[c.Name]; ok {
			r.Skipped[c.Name] = reason
		}
		if rep, ok := old.Repeated[c.Name]; ok {
			r.Repeated[c.Name] = rep
		}
	}
}

// NewRecording returns an empty recording of a kernel.
func NewRecording(kernel, uname string) *Recording {
	return &Recording{Kernel: kernel, Uname: uname, Outcomes: map[string]Outcome{}, Skipped: map[string]string{}, Repeated: map[string]Repeats{}}
}
