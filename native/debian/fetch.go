package debian

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rseqemu/rseqemu/abi"
)

// Kernel is a kernel that was fetched.
type Kernel struct {
	Release string   // the upstream release, such as 6.12.107
	Arch    abi.Arch // AMD64 or ARM64
	Image   string   // the file of the image
	Config  string   // the file of its configuration, "" if the package has none
	Package string   // the package's name
	Version string   // the package's version
}

// Supports reports whether Debian has kernels of that architecture that
// [Fetch] knows of.
func Supports(a abi.Arch) bool { return a == abi.AMD64 || a == abi.ARM64 }

// Fetch gets the kernel of a release into a directory, unless it is there. The
// release is whole (6.12.107) or stands for its newest point release (6.12). The
// image's name is vmlinuz-RELEASE-ARCH, its configuration's config-RELEASE-ARCH.
func Fetch(ctx context.Context, release string, arch abi.Arch, dir string) (*Kernel, error) {
	want, err := ParseRelease(release)
	if err != nil {
		return nil, err
	}
	if !Supports(arch) {
		return nil, fmt.Errorf("kernel %s/%v: only %v and %v are fetched", release, arch, abi.AMD64, abi.ARM64)
	}
	if want.whole() {
		if k, ok := fetched(want, arch, dir); ok {
			return k, nil
		}
	}
	a, err := openApt(ctx, arch)
	if err != nil {
		return nil, fmt.Errorf("kernel %s/%v: %w", release, arch, err)
	}
	p, err := a.find(ctx, want)
	if err != nil {
		return nil, fmt.Errorf("kernel %s/%v: %w", release, arch, err)
	}
	if k, ok := fetched(p.release, arch, dir); ok {
		return k, nil
	}
	k, err := a.fetch(ctx, p, dir)
	if err != nil {
		return nil, fmt.Errorf("kernel %s/%v: package %s: %w", release, arch, p.name, err)
	}
	return k, nil
}

// The files of a kernel in its directory.
func imageFile(dir string, r Release, a abi.Arch) string {
	return filepath.Join(dir, fmt.Sprintf("vmlinuz-%v-%v", r, a))
}
func configFile(dir string, r Release, a abi.Arch) string {
	return filepath.Join(dir, fmt.Sprintf("config-%v-%v", r, a))
}
func packageFile(dir string, r Release, a abi.Arch) string {
	return filepath.Join(dir, fmt.Sprintf("package-%v-%v", r, a))
}

// fetched returns a kernel that is in the directory. The image is the last file
// that is put there, so all are there if it is.
func fetched(r Release, arch abi.Arch, dir string) (*Kernel, bool) {
	k := &Kernel{Release: r.String(), Arch: arch, Image: imageFile(dir, r, arch)}
	if _, err := os.Stat(k.Image); err != nil {
		return nil, false
	}
	text, err := os.ReadFile(packageFile(dir, r, arch))
	if err != nil {
		return nil, false
	}
	k.Package, k.Version, _ = strings.Cut(strings.TrimSpace(string(text)), " ")
	if config := configFile(dir, r, arch); exists(config) {
		k.Config = config
	}
	return k, true
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// fetch downloads a package, and moves what is wanted of it to the directory.
func (a *apt) fetch(ctx context.Context, p pack, dir string) (*Kernel, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	// In the directory, so that files are moved and not copied.
	tmp, err := os.MkdirTemp(dir, ".fetch-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	if _, err := a.run(ctx, tmp, "apt-get", "-qq", "download", p.name+"="+p.version); err != nil {
		return nil, err
	}
	debs, _ := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if len(debs) != 1 {
		return nil, fmt.Errorf("apt-get download left %d packages", len(debs))
	}
	root := filepath.Join(tmp, "root")
	if _, err := a.run(ctx, tmp, "dpkg-deb", "--extract", debs[0], root); err != nil {
		return nil, err
	}
	image := firstOf(root, "boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz", "lib/modules/*/vmlinuz")
	if image == "" {
		return nil, fmt.Errorf("version %s has no kernel image", p.version)
	}
	if config := firstOf(root, "boot/config-*", "usr/lib/modules/*/config", "lib/modules/*/config"); config != "" {
		if err := os.Rename(config, configFile(dir, p.release, a.arch)); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(packageFile(dir, p.release, a.arch), []byte(p.name+" "+p.version+"\n"), 0o666); err != nil {
		return nil, err
	}
	if err := os.Rename(image, imageFile(dir, p.release, a.arch)); err != nil {
		return nil, err
	}
	k, ok := fetched(p.release, a.arch, dir)
	if !ok {
		return nil, fmt.Errorf("%s went away", imageFile(dir, p.release, a.arch))
	}
	return k, nil
}

// firstOf returns the first file that one of the patterns matches, or "".
func firstOf(root string, patterns ...string) string {
	for _, pattern := range patterns {
		if files, _ := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern))); len(files) > 0 {
			return files[0]
		}
	}
	return ""
}
