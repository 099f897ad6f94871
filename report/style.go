package report

// Style is how text for a person looks; the zero Style is plain and complete.
type Style struct {
	Color bool
	// Brief folds a call that nothing came between into a line, and leaves out
	// the middle of a very long story.
	Brief bool
}

// Bad, Good, Event and Dim colour what a reader looks for.
func (s Style) Bad(text string) string   { return s.paint("31;1", text) }
func (s Style) Good(text string) string  { return s.paint("32;1", text) }
func (s Style) Event(text string) string { return s.paint("33;1", text) }
func (s Style) Dim(text string) string   { return s.paint("2", text) }
func (s Style) Bold(text string) string  { return s.paint("1", text) }

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
