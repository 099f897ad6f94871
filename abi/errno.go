package abi

import (
	"fmt"
	"strconv"
	"strings"
)

// Errno is an error number that a system call returns, as a positive value.
// It is an error, so that a call that fails in Go can return it.
type Errno uint16

// Error numbers, by asm-generic/errno.h. Every architecture has them up to
// [ERANGE]; of those above, MIPS numbers some differently.
const (
	EPERM        Errno = 1   // operation not permitted: rseq: another signature
	ENOENT       Errno = 2   // no such file
	ESRCH        Errno = 3   // no such thread
	EINTR        Errno = 4   // interrupted by a signal
	EIO          Errno = 5   // input/output error
	ENXIO        Errno = 6   // no such device: prctl: rseq isn't registered
	E2BIG        Errno = 7   // argument list too long
	ENOEXEC      Errno = 8   // not an executable
	EBADF        Errno = 9   // bad file descriptor
	ECHILD       Errno = 10  // no child
	EAGAIN       Errno = 11  // try again
	ENOMEM       Errno = 12  // out of memory
	EACCES       Errno = 13  // permission denied
	EFAULT       Errno = 14  // bad address
	EBUSY        Errno = 16  // busy: rseq: registered already
	EEXIST       Errno = 17  // exists
	EXDEV        Errno = 18  // another device
	ENODEV       Errno = 19  // no such device
	ENOTDIR      Errno = 20  // not a directory
	EISDIR       Errno = 21  // is a directory
	EINVAL       Errno = 22  // invalid argument
	ENFILE       Errno = 23  // too many files in the system
	EMFILE       Errno = 24  // too many files in the process
	EFBIG        Errno = 27  // file too large
	ENOSPC       Errno = 28  // no space
	EROFS        Errno = 30  // read-only
	EPIPE        Errno = 32  // broken pipe
	EDOM         Errno = 33  // out of the function's domain
	ERANGE       Errno = 34  // out of range
	EDEADLK      Errno = 35  // would deadlock
	ENAMETOOLONG Errno = 36  // name too long
	ENOSYS       Errno = 38  // no such system call
	EOVERFLOW    Errno = 75  // value too large
	EOPNOTSUPP   Errno = 95  // not supported
	ETIMEDOUT    Errno = 110 // timed out
	ENOTSUPP     Errno = 524 // not supported; the kernel's own, which prctl leaks to the user
)

const (
	// maxErrno is the greatest value that a return register can report.
	maxErrno = 4095

	// errnoPrefix stands before the number of an error without a name.
	errnoPrefix = "errno "
)

// errnoNames is in ascending order.
var errnoNames = [...]struct {
	errno Errno
	name  string
}{
	{EPERM, "EPERM"},
	{ENOENT, "ENOENT"},
	{ESRCH, "ESRCH"},
	{EINTR, "EINTR"},
	{EIO, "EIO"},
	{ENXIO, "ENXIO"},
	{E2BIG, "E2BIG"},
	{ENOEXEC, "ENOEXEC"},
	{EBADF, "EBADF"},
	{ECHILD, "ECHILD"},
	{EAGAIN, "EAGAIN"},
	{ENOMEM, "ENOMEM"},
	{EACCES, "EACCES"},
	{EFAULT, "EFAULT"},
	{EBUSY, "EBUSY"},
	{EEXIST, "EEXIST"},
	{EXDEV, "EXDEV"},
	{ENODEV, "ENODEV"},
	{ENOTDIR, "ENOTDIR"},
	{EISDIR, "EISDIR"},
	{EINVAL, "EINVAL"},
	{ENFILE, "ENFILE"},
	{EMFILE, "EMFILE"},
	{EFBIG, "EFBIG"},
	{ENOSPC, "ENOSPC"},
	{EROFS, "EROFS"},
	{EPIPE, "EPIPE"},
	{EDOM, "EDOM"},
	{ERANGE, "ERANGE"},
	{EDEADLK, "EDEADLK"},
	{ENAMETOOLONG, "ENAMETOOLONG"},
	{ENOSYS, "ENOSYS"},
	{EOVERFLOW, "EOVERFLOW"},
	{EOPNOTSUPP, "EOPNOTSUPP"},
	{ETIMEDOUT, "ETIMEDOUT"},
	{ENOTSUPP, "ENOTSUPP"},
}

// ParseErrno returns the error number that [Errno.String] writes as s, or that
// has the decimal value s: "EINVAL" and "22" are the same. It must be in
// 1..4095.
func ParseErrno(s string) (Errno, bool) {
	for i := range errnoNames {
		if errnoNames[i].name == s {
			return errnoNames[i].errno, true
		}
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, errnoPrefix), 10, 16)
	if err != nil || n == 0 || n > maxErrno {
		return 0, false
	}
	return Errno(n), true
}

// ErrnoOf returns the error that a system call reports in its return register,
// and false if the value is a result: an error is -4095..-1 as a 64-bit two's
// complement number. The register of a 32-bit task must be sign-extended.
func ErrnoOf(ret uint64) (Errno, bool) {
	// -ret wraps to the positive number of an error, and to something larger
	// for everything else but 0.
	n := -ret
	if n == 0 || n > maxErrno {
		return 0, false
	}
	return Errno(n), true
}

// Ret returns what a system call that fails with e leaves in its return
// register: -e as a 64-bit two's complement number; 0, which is success, for 0.
func (e Errno) Ret() uint64 { return -uint64(e) }

// Error returns the same as [Errno.String].
func (e Errno) Error() string { return e.String() }

// String returns the name, such as "EINVAL", or "errno 4000" if the package has
// no name for the number.
func (e Errno) String() string {
	for i := range errnoNames {
		if errnoNames[i].errno == e {
			return errnoNames[i].name
		}
	}
	return fmt.Sprintf(errnoPrefix+"%d", uint16(e))
}
