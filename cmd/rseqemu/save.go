package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// save writes a file whole or not at all: into a new one beside it, which then
// takes its name. An existing file keeps its permissions, a link stays one, and
// what is no file, such as a pipe, is written to as it is.
func save(name string, b []byte) error {
	perm, target := fs.FileMode(0o644), name
	if info, err := os.Stat(name); err == nil {
		if !info.Mode().IsRegular() {
			return cause(name, os.WriteFile(name, b, perm))
		}
		perm = info.Mode().Perm()
		if link, err := filepath.EvalSymlinks(name); err == nil {
			target = link
		}
	}
	return cause(name, replace(target, b, perm))
}

func replace(name string, b []byte, perm fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Chmod(perm); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// cause is an error about a file under the name that the user gave it.
func cause(name string, err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		err = path.Err
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
