// Package report tells people and programs what a run did and what a search
// found.
//
// [Tell] replays a schedule and writes it down as a [Story]: who ran what, which
// kernel event came, what it changed. A story prints as text to be read from
// top to bottom, and encodes as JSON. [Verdict] is the line that a search's
// result deserves, which never claims more than was done.
package report
