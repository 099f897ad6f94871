package percpu

import (
	"fmt"
	"strings"

	"github.com/rseqemu/rseqemu/internal/hunk"
)

// diff is the text of a bug:
//
//	index: cpu_id
//	What is wrong,
//	in some lines.
//
//	@@ pop
//	 a line that stays
//	-an old line
//	+a new line
//
// The first line is there if the bug is only one where a program is indexed by
// that field. The rest is as package hunk reads it.
type diff struct {
	index   string
	comment string // what is wrong, as a program's comment lines
	hunks   string // from the first @@ on
}

func parseDiff(text string) (diff, error) {
	head, hunks, err := hunk.Cut(text)
	if err != nil {
		return diff{}, err
	}
	d := diff{hunks: hunks}
	if rest, ok := strings.CutPrefix(head, "index: "); ok {
		if d.index, head, _ = strings.Cut(rest, "\n"); d.index != "cpu_id" {
			return diff{}, fmt.Errorf("unknown index %q", d.index)
		}
	}
	for line := range strings.Lines(strings.TrimSpace(head) + "\n") {
		d.comment += "# " + line
	}
	return d, nil
}
