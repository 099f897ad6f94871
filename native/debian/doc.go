// Package debian gets kernels from Debian's packages.
//
// Debian keeps kernels of many releases at hand, built for virtual machines and
// signed: 5.10 and 6.1 in its old releases, 6.12 in the current one, and most
// releases since in its backports. [Fetch] gets one and unpacks the image that
// boots.
//
// # How
//
// apt does the work, since it has to check the signatures. It is run with a
// directory of its own in the user's cache directory, which holds a list of
// sources, what apt knows of these, and an empty list of installed packages. The
// system's sources, packages and caches are not touched, no rights are needed,
// and packages of another architecture are no special case. Of the system's
// configuration only the way to the network is taken over, and the mirror if the
// system is a Debian.
//
// The lists are brought up to date once a day, and when a release is not in
// them. What was fetched is kept and not fetched again.
//
// # Non-goals
//
// Nothing is installed and no module is unpacked: the cloud kernels have what a
// guest needs built in. Other distributions' kernels are not looked for; a
// kernel from elsewhere needs no package to be booted.
package debian
