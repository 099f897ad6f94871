package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rseqemu/rseqemu/explore"
	"github.com/rseqemu/rseqemu/report"
	"github.com/spf13/cobra"
)

const mergeLong = `Merge puts together what the parts of a check found out (rseqemu check --shard
--result), and prints what a single check would have printed: the same verdict, the
same failures, the same exit code. A directory stands for the .json files in it.

If a shard is missing, its part is not finished. One that is there twice, or is of
another program, kernel, version or configuration than the first, is an error that
names the difference.`

func (a *app) mergeCmd() *cobra.Command {
	f := &checkFlags{}
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Put the parts of a divided check together",
		Long:  mergeLong + "\n\n" + exitCodes,
		Example: `  rseqemu merge 0.json 1.json 2.json 3.json
  rseqemu merge results --save fail.sched`,
		Args: atLeast(1, "a file that check --result wrote"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"json"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.merge(cmd.Context(), f, args) },
	}
	cmd.Flags().StringVar(&f.save, "save", "", "write the first failure's schedule to this file")
	addStory(cmd, &f.story, "brief")
	return cmd
}

func (a *app) merge(ctx context.Context, f *checkFlags, args []string) error {
	if err := storyFlag(f.story); err != nil {
		return err
	}
	if err := checkSave(f.save); err != nil {
		return err
	}
	files, err := resultFiles(args)
	if err != nil {
		return err
	}
	var first *result
	var parts []explore.Part
	of := map[string]string{} // files by shard
	for _, file := range files {
		r, err := a.result(file)
		if err != nil {
			return err
		}
		shard, err := explore.ParseShard(r.Shard)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if first == nil {
			first = r
		}
		if diff := explore.Difference(first.Terms, r.Terms); diff != "" {
			return fmt.Errorf("%s is of another check than %s: %s", file, files[0], diff)
		}
		if n := parts; len(n) > 0 && n[0].Shard.Of != shard.Of {
			return fmt.Errorf("%s is shard %s, but %s is %s: they were divided otherwise", file, shard, files[0], n[0].Shard)
		}
		if other, ok := of[r.Shard]; ok {
			return fmt.Errorf("%s and %s are both shard %s", other, file, shard)
		}
		of[r.Shard] = file
		parts = append(parts, explore.Part{Shard: shard, Results: r.Results})
	}
	p, err := parseText(first.Program, first.File, []byte(first.Source))
	if err == nil {
		p, err = p.declared()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", files[0], err)
	}
	was := first.Flags.check()
	was.story, was.save = f.story, f.save
	if _, err := was.chooser.sampler(); err != nil {
		return fmt.Errorf("%s: %w", files[0], err)
	}
	s, err := a.sweep(was, p)
	if err != nil {
		return fmt.Errorf("%s: %w", files[0], err)
	}
	terms, err := termsOf(s)
	if err != nil {
		return err
	}
	if diff := explore.Difference(terms, first.Terms); diff != "" {
		return fmt.Errorf("%s can't be merged here: %s", files[0], diff)
	}
	if err := s.Combine(parts); err != nil {
		return err
	}
	c, _, err := a.checkOne(ctx, was, p, s)
	if err != nil {
		return err
	}
	return a.checked(checkDocument{Verdict: c.Verdict, Programs: []*report.Check{c}}, nil)
}

// resultFiles are the files that arguments stand for.
func resultFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, cause(arg, err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		in, err := os.ReadDir(arg)
		if err != nil {
			return nil, cause(arg, err)
		}
		n := len(files)
		for _, e := range in {
			if filepath.Ext(e.Name()) == ".json" {
				files = append(files, filepath.Join(arg, e.Name()))
			}
		}
		if len(files) == n {
			return nil, fmt.Errorf("%s: there is no .json file in it", arg)
		}
	}
	return files, nil
}

// maxResult is the size of a result, which has a schedule for each kernel that breaks.
const maxResult = 256 << 20

// result reads a file of --result.
func (a *app) result(name string) (*result, error) {
	b, err := a.read(name, maxResult, "result")
	if err != nil {
		return nil, err
	}
	r := &result{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: no result of rseqemu check --result, or cut short: %w", name, err)
	}
	switch {
	case r.Format != resultFormat:
		return nil, fmt.Errorf("%s: no result of rseqemu check --result: its format is %q, not %q", name, r.Format, resultFormat)
	case r.Sum != r.sum() || !bytes.Equal(b, r.text()):
		return nil, fmt.Errorf("%s: damaged, or changed by hand: its checksum is wrong", name)
	}
	return r, nil
}
