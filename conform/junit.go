package conform

import (
	"encoding/xml"
	"io"
)

// The part of the JUnit form that CI systems read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Group   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Failure *junitDetail `xml:"failure,omitempty"`
		Error   *junitDetail `xml:"error,omitempty"`
		Skipped *junitDetail `xml:"skipped,omitempty"`
	}
	junitDetail struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit prints results as XML for CI systems: a suite for each group.
func WriteJUnit(w io.Writer, results []Result) error {
	var doc junitSuites
	for _, g := range inGroups(results) {
		s := junitSuite{Name: g.name, Tests: len(g.results)}
		for _, r := range g.results {
			c := junitCase{Group: g.name, Name: r.Case.Name}
			switch {
			case r.Status == Skipped, r.Status == Expected:
				s.Skipped++
				c.Skipped = &junitDetail{Message: oneLine(r.Detail)}
			case r.Status == Failed:
				s.Errors++
				c.Error = &junitDetail{Message: oneLine(r.Detail)}
			case !r.Status.OK():
				s.Failures++
				c.Failure = &junitDetail{Message: r.Status.String(), Text: r.Detail}
			}
			s.Cases = append(s.Cases, c)
		}
		doc.Suites = append(doc.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
