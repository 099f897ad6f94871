package native

import (
	"fmt"

	"github.com/rseqemu/rseqemu/conform"
	"github.com/rseqemu/rseqemu/ir"
)

// finish adds to an outcome what is to be seen when the script is over: what the
// calls returned, and memory.
func finish(v conform.View, c *conform.Case, out *conform.Outcome) error {
	var err error
	if out.Calls, err = results(v, 0); err != nil {
		return err
	}
	if len(c.Program.Threads) > 1 {
		if out.Second, err = results(v, 1); err != nil {
			return err
		}
	}
	out.Seen, err = v.Observe(c.See)
	return err
}

// results are what a thread's calls returned.
func results(v conform.View, thread int) ([]string, error) {
	at := ir.Addr(secondAt * thread)
	count, ok := v.Load(at+countAt, 8)
	if !ok || count > maxResults {
		return nil, fmt.Errorf("the results can't be read")
	}
	var all []string
	for i := range count {
		n, _ := v.Load(at+resultsAt+ir.Addr(8*i), 8)
		all = append(all, v.CallResult(thread, int(i), n))
	}
	return all, nil
}
