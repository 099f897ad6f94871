package boot

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// The names that every guest has.
const (
	initPath  = "/init"
	orderPath = "/rseqemu.json"
)

// order is what init is told to do. It is a file in the guest because a kernel
// command line is short and has quotes of its own.
type order struct {
	Args   []string `json:"args"`
	Env    []string `json:"env,omitempty"`
	Output string   `json:"output"` // the serial port for the frames
}

// writeInitramfs writes the guest's first and only file system: init, the
// order, the files, and the directories that these and the mounts need.
func writeInitramfs(w io.Writer, init string, o order, files map[string]string) error {
	text, err := json.Marshal(o)
	if err != nil {
		panic("boot: BUG: " + err.Error())
	}
	a := archive{w: cpio.NewWriter(w), dirs: map[string]bool{}}
	for _, d := range []string{"/dev", "/proc", "/sys", "/tmp", "/root"} {
		if err := a.dir(d); err != nil {
			return err
		}
	}
	if err := a.add(orderPath, 0o444, int64(len(text)), strings.NewReader(string(text))); err != nil {
		return err
	}
	if err := a.copy(initPath, init); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !path.IsAbs(name) || path.Clean(name) != name || name == initPath || name == orderPath {
			return fmt.Errorf("a guest can't have a file %q: wanted is an absolute path other than %s and %s", name, initPath, orderPath)
		}
		if err := a.copy(name, files[name]); err != nil {
			return err
		}
	}
	return a.w.Close()
}

// archive is an initramfs that is being written.
type archive struct {
	w    *cpio.Writer
	dirs map[string]bool // those that are in it
}

// dir adds a directory and those above it.
func (a *archive) dir(name string) error {
	if name == "/" || a.dirs[name] {
		return nil
	}
	if err := a.dir(path.Dir(name)); err != nil {
		return err
	}
	a.dirs[name] = true
	return a.w.WriteHeader(&cpio.Header{Name: name[1:], Mode: cpio.TypeDir | 0o755})
}

// copy adds a file of the host. It can be executed, whatever it is here: that is
// easier than to know which of them must be.
func (a *archive) copy(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", from)
	}
	return a.add(name, 0o755, st.Size(), f)
}

// add adds a file.
func (a *archive) add(name string, perm cpio.FileMode, size int64, r io.Reader) error {
	if err := a.dir(path.Dir(name)); err != nil {
		return err
	}
	if err := a.w.WriteHeader(&cpio.Header{Name: name[1:], Mode: cpio.TypeReg | perm, Size: size}); err != nil {
		return err
	}
	n, err := io.Copy(a.w, io.LimitReader(r, size))
	if err == nil && n != size {
		err = fmt.Errorf("%s got shorter while it was read", name)
	}
	return err
}
