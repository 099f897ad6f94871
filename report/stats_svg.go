package report

import (
	"fmt"
	"html"
	"io"
	"math/bits"
	"strings"
)

// SVG draws the work on each kernel: a group of bars for each counter, the longest
// bar of a group as long as the group is wide.
func (s *Stats) SVG(w io.Writer) error {
	const (
		left, right, bar, gap = 110, 150, 14, 14
		width                 = 720
	)
	// Colours that stay apart for the colour-blind (Okabe and Ito's).
	colours := []string{"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000"}
	var rows []int
	for i, r := range statsRows {
		if r.less || r.name == "fastpath" || r.name == "fixup" {
			rows = append(rows, i)
		}
	}
	// The legend takes as many lines as it needs.
	at := make([][2]int, len(s.Kernels))
	x, y := 16, 36
	for i, k := range s.Kernels {
		if w := 30 + 7*len(k.Kernel); x+w > width && x > 16 {
			x, y = 16, y+18
		}
		at[i] = [2]int{x, y}
		x += 30 + 7*len(k.Kernel)
	}
	top, each := y+28, len(s.Kernels)*bar+gap
	height := top + len(rows)*each + 16
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="16" y="22" font-size="14" font-weight="bold">%s</text>`+"\n", html.EscapeString(s.Workload+": "+s.Title))
	for i, k := range s.Kernels {
		x, y := at[i][0], at[i][1]
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="10" height="10" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", x, y, colours[i%len(colours)], x+14, y+9, html.EscapeString(k.Kernel))
	}
	for g, row := range rows {
		y := top + g*each
		most := uint64(1)
		for i := range s.Kernels {
			most = max(most, s.Kernels[i].Counters[row].Count)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" font-weight="bold">%s</text>`+"\n", left-8, y+11, statsRows[row].name)
		for i := range s.Kernels {
			c := &s.Kernels[i].Counters[row]
			// In tenths, by integers: the same on every machine.
			length := tenths(c.Count, most, width-left-right)
			by := y + i*bar
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d.%d" height="%d" fill="%s"/>`, left, by, length/10, length%10, bar-3, colours[i%len(colours)])
			fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#333">%s`, left+int(length/10)+5, by+10, group(c.Count))
			if i > 0 && c.Less != 0 && statsRows[row].less {
				fmt.Fprintf(&b, ` <tspan fill="#777">(%+.1f%%)</tspan>`, -100*c.Less)
			}
			b.WriteString("</text>\n")
		}
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// tenths is n/most of the width, in tenths.
func tenths(n, most uint64, width int) uint64 {
	hi, lo := bits.Mul64(n, uint64(width)*10)
	length, _ := bits.Div64(hi, lo, most)
	return length
}
