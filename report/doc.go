// Package report tells people and programs what a run did and what a search
// found.
//
// [Tell] replays a schedule and writes it down as a [Story]: who ran what, which
// kernel event came, what it changed. [TellRun] does so while a chooser decides,
// [TellDiff] under two kernels. A [Check] gathers what a sweep over kernels found,
// and a [KernelTable] sets their rules side by side. Each prints as text to be read
// from top to bottom, and encodes as JSON under names that stay.
//
// [Verdict] is the line that a search's result deserves, which never claims more
// than was done.
package report
