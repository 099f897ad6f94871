package main

import (
	"errors"
	"fmt"
	"io"
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

// scheduleHead is what a file that may be overwritten begins with.
const scheduleHead = "rseqemu schedule "

// recordingHead likewise.
const recordingHead = "{\n \"schema\": "

// checkpointHead and resultHead likewise.
const (
	checkpointHead = "rseqemu checkpoint "
	resultHead     = `{"format":"rseqemu result `
)

// checkSave refuses a name for --save before anything runs: a directory that
// isn't there, and a file that holds something else than a schedule, such as the
// program itself.
func checkSave(name string) error { return checkOver("--save", name, "schedule", scheduleHead) }

// checkRecord is the same for --record and recordings.
func checkRecord(name string) error { return checkOver("--record", name, "recording", recordingHead) }

// checkCheckpoint is the same for --checkpoint. A damaged one whose predecessor is
// there is read.
func checkCheckpoint(name string) error {
	if err := checkOver("--checkpoint", name+".1", "checkpoint", checkpointHead); err != nil {
		return err
	}
	if _, err := os.Stat(name + ".1"); err == nil {
		return nil
	}
	return checkOver("--checkpoint", name, "checkpoint", checkpointHead)
}

func checkOver(flag, name, what, begins string) error {
	if name == "" {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("%s: %w", flag, cause(name, err)) }
	info, err := os.Stat(name)
	switch {
	case name == "-":
		return fmt.Errorf("%s wants a file, not -", flag)
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(name)); err != nil {
			return fail(err)
		}
		return nil
	case err != nil:
		return fail(err)
	case info.IsDir():
		return fail(errors.New("is a directory"))
	case !info.Mode().IsRegular() || info.Size() == 0:
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	head := make([]byte, len(begins))
	if _, err := io.ReadFull(f, head); err != nil || string(head) != begins {
		return fail(fmt.Errorf("it holds something else than a %s; it is left alone", what))
	}
	return nil
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
