package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rseqemu/rseqemu/emu"
	"github.com/rseqemu/rseqemu/explore"
)

// Proposals are kernels that aren't there, in files that are named wherever a kernel
// is: emu.ParseProposal has the form.

// isProposal reports whether a kernel's name is that of a file.
func isProposal(name string) bool { return strings.HasSuffix(name, ".kernel") }

// kernel is the kernel of a name, or the proposal in a file.
func (a *app) kernel(name string) (emu.Kernel, error) {
	if !isProposal(name) {
		return emu.ParseKernel(name)
	}
	src, err := a.read(name, emu.MaxProposal, "proposal")
	if err != nil {
		return emu.Kernel{}, err
	}
	k, err := emu.ParseProposal(name, src)
	if err != nil {
		return k, badInput{err, src}
	}
	return k, nil
}

// kernelSet is explore.ParseKernels of a list in which proposals may be.
func (a *app) kernelSet(list string) ([]emu.Kernel, error) {
	items := strings.Split(list, ",")
	proposals := map[string]emu.Kernel{} // by what stands for it
	for i, item := range items {
		item = strings.TrimSpace(item)
		if !isProposal(item) {
			continue
		}
		k, err := a.kernel(item)
		if err != nil {
			return nil, err
		}
		items[i] = k.Spec()
		if other, ok := proposals[items[i]]; ok && other.Proposal != k.Proposal {
			return nil, fmt.Errorf("%s: the same rules as %s", item, other.Proposal)
		}
		proposals[items[i]] = k
	}
	ks, err := explore.ParseKernels(strings.Join(items, ","))
	if err != nil {
		return nil, err
	}
	for i := range ks {
		if k, ok := proposals[ks[i].Spec()]; ok {
			ks[i] = k
		}
	}
	if i := twice(ks); i >= 0 {
		return nil, fmt.Errorf("two proposals have the name %s", ks[i])
	}
	return ks, nil
}

// twice is the first of the kernels that has another's name, or -1.
func twice(ks []emu.Kernel) int {
	return slices.IndexFunc(ks, func(k emu.Kernel) bool {
		n := 0
		for _, o := range ks {
			if o.String() == k.String() {
				n++
			}
		}
		return n > 1
	})
}

// specs is the list of kernels without the files that it may name.
func specs(ks []emu.Kernel) string {
	var out []string
	for _, k := range ks {
		out = append(out, k.Spec())
	}
	return strings.Join(out, ",")
}
