package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
	"github.com/rseqemu/rseqemu/native/debian"
	"github.com/spf13/cobra"
)

const kernelsFetchLong = `Fetch gets kernel images from Debian's packages, for rseqemu conform --target qemu.

A release is whole (6.12.107) or stands for the newest of its point releases that
Debian has (6.12). The architecture is amd64 or arm64; without one it is this
machine's. The path of each image is printed.

It takes Debian's apt, which checks the signatures, but no rights: nothing is
installed, and the system's lists and packages are not touched. An image that is
there is not fetched again.`

func (a *app) kernelsFetchCmd() *cobra.Command {
	dir := ""
	cmd := &cobra.Command{
		Use:   "fetch RELEASE[/ARCH]...",
		Short: "Get kernel images from Debian's packages",
		Long:  kernelsFetchLong,
		Example: `  rseqemu kernels fetch 6.12
  rseqemu kernels fetch 6.18.15 7.3/arm64 --dir images`,
		Args:              atLeast(1, "a release"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.kernelsFetch(cmd.Context(), args, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "where the images are put (default: kernels, in rseqemu's cache directory)")
	cmd.MarkFlagDirname("dir")
	return cmd
}

// fetchDocument is what kernels fetch --json prints.
type fetchDocument struct {
	Kernels []fetchedKernel `json:"kernels"`
}

type fetchedKernel struct {
	Release string `json:"release"`
	Arch    string `json:"arch"`
	Image   string `json:"image"`
	Config  string `json:"config,omitempty"`
	Package string `json:"package"`
	Version string `json:"version"`
}

func (a *app) kernelsFetch(ctx context.Context, args []string, dir string) error {
	// All are looked at before the first is fetched.
	var arch []abi.Arch
	for _, arg := range args {
		which, err := fetchable(arg)
		if err != nil {
			return err
		}
		arch = append(arch, which)
	}
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("%w: name a directory with --dir", err)
		}
		dir = filepath.Join(cache, "rseqemu", "kernels")
	}
	doc := fetchDocument{}
	for i, arg := range args {
		release, _, _ := strings.Cut(arg, "/")
		k, err := debian.Fetch(ctx, release, arch[i], dir)
		if err != nil {
			return err
		}
		doc.Kernels = append(doc.Kernels, fetchedKernel{k.Release, k.Arch.String(), k.Image, k.Config, k.Package, k.Version})
		if !a.asJSON {
			a.out.printf("%s\n", k.Image)
		}
	}
	if a.asJSON {
		a.out.json(doc)
	}
	return nil
}

// fetchable checks what is to be fetched, and returns the architecture.
func fetchable(arg string) (abi.Arch, error) {
	release, name, named := strings.Cut(arg, "/")
	if _, err := debian.ParseRelease(release); err != nil {
		return 0, err
	}
	if !named {
		if host, err := abi.ParseArch(runtime.GOARCH); err == nil && debian.Supports(host) {
			return host, nil
		}
		return abi.AMD64, nil
	}
	arch, err := abi.ParseArch(name)
	if err != nil || !debian.Supports(arch) {
		return 0, fmt.Errorf("kernel %s: images are fetched for %v and %v only", arg, abi.AMD64, abi.ARM64)
	}
	return arch, nil
}
