//go:build !linux

package boot

// Init returns: only a Linux process can be the init of a guest.
func Init() {}
