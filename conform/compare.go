package conform

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Row is a case, and what several targets answer.
type Row struct {
	Case *Case
	// Points are those of a case with each at which all targets answer as at the
	// first.
	Points []Point
	// Answers are the different ones, in the order of the first target that gives
	// each.
	Answers []SameAnswer
}

// SameAnswer is what some of the targets answer.
type SameAnswer struct {
	Targets []int // by their places in the list
	Outcome Outcome
	Skip    string // why there is no outcome
}

// Name is the case's, for several points of one without the point.
func (r *Row) Name() string {
	if len(r.Points) == 0 {
		return r.Case.Name
	}
	name, _, _ := strings.Cut(r.Case.Name, "@")
	return name
}

// Compare asks several targets the same and sets the answers side by side.
func Compare(ctx context.Context, cases []Case, targets []Target) ([]Row, error) {
	var rows []Row
	for i := range cases {
		c := &cases[i]
		row := Row{Case: c}
		for n, t := range targets {
			a, err := Ask(ctx, t, c, nil)
			var skip *Skip
			if err != nil && !errors.As(err, &skip) {
				return nil, err
			}
			one := SameAnswer{Targets: []int{n}, Outcome: a.Outcome}
			if skip != nil {
				one.Skip = skip.Reason
			}
			row.add(one)
		}
		if family, _, each := strings.Cut(c.Name, "@"); each {
			row.Points = []Point{c.Stops[0].At}
			if last := sameFamily(rows, family, &row); last != nil {
				last.Points = append(last.Points, row.Points...)
				continue
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// add puts a target's answer to those that are the same.
func (r *Row) add(one SameAnswer) {
	for i := range r.Answers {
		if a := &r.Answers[i]; a.equal(&one) {
			a.Targets = append(a.Targets, one.Targets...)
			return
		}
	}
	r.Answers = append(r.Answers, one)
}

func (a *SameAnswer) equal(b *SameAnswer) bool { return a.Skip == b.Skip && a.Outcome.Equal(b.Outcome) }

// sameFamily finds a row of the same case at other points with the same answers.
func sameFamily(rows []Row, family string, row *Row) *Row {
	for i := len(rows) - 1; i >= 0 && len(rows[i].Points) > 0 && rows[i].Name() == family; i-- {
		same := slices.EqualFunc(rows[i].Answers, row.Answers, func(a, b SameAnswer) bool {
			return a.equal(&b) && slices.Equal(a.Targets, b.Targets)
		})
		if same {
			return &rows[i]
		}
	}
	return nil
}
