package conform

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Recording is what a kernel answered, case by case.
type Recording struct {
	// Schema is the form of the file, RecordingSchema.
	Schema int `json:"schema"`
	// Kernel is the release and architecture that the recording stands for,
	// Uname what the machine called itself.
	Kernel string `json:"kernel"`
	Uname  string `json:"uname"`
	// Outcomes are the answers, by the names of the cases.
	Outcomes map[string]Outcome `json:"outcomes"`
	// Skipped are the cases that couldn't be run, and why.
	Skipped map[string]string `json:"skipped,omitempty"`
}

// RecordingSchema is the version of the form of recordings.
const RecordingSchema = 1

// ReadRecording reads a recording's file; name is for messages.
func ReadRecording(name string, data []byte) (*Recording, error) {
	var r Recording
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(&r)
	switch {
	case r.Schema != 0 && r.Schema != RecordingSchema:
		return nil, fmt.Errorf("%s: the recording has schema %d, and this program knows %d", name, r.Schema, RecordingSchema)
	case err != nil:
		return nil, fmt.Errorf("%s: %v", name, err)
	case r.Schema == 0 || r.Kernel == "" || len(r.Outcomes) == 0:
		return nil, fmt.Errorf("%s: no recording: schema, kernel and outcomes must be there", name)
	}
	return &r, nil
}

// Bytes is the recording as a file: sorted, so that two can be compared.
func (r *Recording) Bytes() []byte {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		panic("conform: BUG: " + err.Error())
	}
	return append(b, '\n')
}

//go:embed recordings/*.json
var recordingFiles embed.FS

// Recordings returns the names of the recordings that come with this package:
// linux-6.18-amd64.
func Recordings() []string {
	files, _ := fs.Glob(recordingFiles, "recordings/*.json")
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), ".json"))
	}
	slices.Sort(names)
	return names
}

// Recorded returns one of [Recordings].
func Recorded(name string) (*Recording, error) {
	data, err := recordingFiles.ReadFile("recordings/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("there is no recording %q (%s)", name, strings.Join(Recordings(), ", "))
	}
	return ReadRecording(name, data)
}
