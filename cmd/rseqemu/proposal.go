package main

import (
	"fmt"
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

// kernelSet is explore.ParseKernels of a list in which proposals may be, which come
// behind the others. Nothing leaves them out.
func (a *app) kernelSet(list string) (ks []emu.Kernel, err error) {
	var names, files []string
	for _, item := range strings.Split(list, ",") {
		if item = strings.TrimSpace(item); isProposal(item) {
			files = append(files, item)
		} else {
			names = append(names, item)
		}
	}
	if len(names) > 0 {
		if ks, err = explore.ParseKernels(strings.Join(names, ",")); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		k, err := a.kernel(file)
		if err != nil {
			return nil, err
		}
		for _, o := range ks {
			if o.String() == k.String() || o.Spec() == k.Spec() {
				return nil, fmt.Errorf("%s has the name or the rules of another one, %s", file, o)
			}
		}
		ks = append(ks, k)
	}
	return ks, nil
}

// specs is the list of kernels without the files that it may name.
func specs(ks []emu.Kernel) string {
	var out []string
	for _, k := range ks {
		out = append(out, k.Spec())
	}
	return strings.Join(out, ",")
}
