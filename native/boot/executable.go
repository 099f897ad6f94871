package boot

import (
	"debug/elf"
	"fmt"
)

// checkInit says why an executable can't be a guest's init: the kernel would
// only say that there is none.
func checkInit(file string, v vm) error {
	f, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("%s can't be the init of a guest: it is no Linux executable (%w)", file, err)
	}
	defer f.Close()
	if f.Machine != v.machine {
		return fmt.Errorf("%s can't be the init of a guest for %v: it is for %v", file, v.arch, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s can't be the init of a guest: it is not static (build it with CGO_ENABLED=0)", file)
		}
	}
	return nil
}
