package conform

import (
	"encoding/json"
	"fmt"
	"slices"
)

// wireResult is a result as JSON: a line of what a machine under test sends, and
// an element of what --json prints.
type wireResult struct {
	Case    string    `json:"case"`
	Status  string    `json:"status"`
	Outcome *Outcome  `json:"outcome,omitempty"`
	Runs    int       `json:"runs,omitempty"`
	Odd     []Outcome `json:"odd,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (r Result) MarshalJSON() ([]byte, error) {
	w := wireResult{Case: r.Case.Name, Status: r.Status.String(), Runs: r.Runs, Odd: r.Odd, Detail: r.Detail}
	if r.Runs > 0 {
		w.Outcome = &r.Outcome
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements [json.Unmarshaler]. Of the case only the name is known
// then.
func (r *Result) UnmarshalJSON(data []byte) error {
	var w wireResult
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	status := slices.Index(statusNames[:], w.Status)
	if status < 0 || w.Case == "" {
		return fmt.Errorf("no result: %q", data)
	}
	*r = Result{Case: &Case{Name: w.Case}, Status: Status(status), Answer: Answer{Runs: w.Runs, Odd: w.Odd}, Detail: w.Detail}
	if w.Outcome != nil {
		r.Outcome = *w.Outcome
	}
	return nil
}
