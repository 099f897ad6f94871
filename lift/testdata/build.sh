#!/bin/sh
# Builds the binaries of this directory from its sources.
#
#	./build.sh            those that are checked in
#	./build.sh all DIR    every compiler, level and kind of file, into DIR
#
# It takes Debian's compilers (those here are of Debian 12: gcc 12.2, clang 14.0):
#
#	apt-get install gcc gcc-aarch64-linux-gnu gcc-riscv64-linux-gnu clang lld
#
# A binary's name says how it was made: percpu.arm64.clang-O2.pie. The kinds are
# o, exe (linked at fixed addresses), pie, so, and linked: the .o of that name,
# linked at fixed addresses by a linker that changes no instruction but those that
# ask for thread-local data. Levels with pic and ie ask in two other ways.
set -eu
cd "$(dirname "$0")"

# compiler ARCH NAME prints the command.
compiler() {
	case $1-$2 in
	amd64-gcc) echo gcc ;;
	arm64-gcc) echo aarch64-linux-gnu-gcc ;;
	riscv64-gcc) echo riscv64-linux-gnu-gcc ;;
	amd64-clang) echo clang --target=x86_64-linux-gnu -fuse-ld=lld -Wno-unused-command-line-argument ;;
	arm64-clang) echo clang --target=aarch64-linux-gnu -fuse-ld=lld -Wno-unused-command-line-argument ;;
	riscv64-clang) echo clang --target=riscv64-linux-gnu -march=rv64gc -mabi=lp64d -fuse-ld=lld -Wno-unused-command-line-argument ;;
	esac
}

# build DIR NAME ARCH COMPILER LEVEL KIND makes NAME.ARCH.COMPILER-LEVEL.KIND.
build() {
	cc=$(compiler "$3" "$4")
	sources=$2.c
	case $2 in
	percpu) [ "$6" = so ] || sources="percpu.c slab.c" ;;
	esac
	case $5 in
	*pic) optimise="-${5%pic} -fpic" ;;
	*ie) optimise="-${5%ie} -fpic -ftls-model=initial-exec" ;;
	*) optimise="-$5" ;;
	esac
	flags="$optimise -g -ffreestanding -fno-asynchronous-unwind-tables -ffile-prefix-map=$PWD=/testdata -Wall -Wextra -Wno-pointer-arith"
	link="-nostdlib -Wl,--build-id=none"
	case $3-$4 in
	arm64-*) link="$link -Wl,-z,max-page-size=4096" ;; # else 64 KiB of zeros between segments
	riscv64-clang) link="$link -Wl,--no-relax" ;;
	amd64-clang) link="$link -Wl,--pack-dyn-relocs=relr" ;;
	esac
	out=$1/$2.$3.$4-$5.$6
	object=${out%linked}o
	[ -e "$object" ] || object=${object##*/}
	case $6 in
	o) $cc $flags -c "$2.c" -o "$out" ;;
	exe) $cc $flags -fno-pie -no-pie -static $link $sources start.c -o "$out" ;;
	pie) $cc $flags -fpie -pie $link $sources start.c -o "$out" ;;
	linked) $cc $flags -fno-pie -no-pie -static $link -Wl,--no-relax "$object" start.c -o "$out" ;;
	so) $cc $flags -fpic -shared $link $sources start.c -o "$out" ;;
	esac
	chmod 644 "$out"
}

if [ "${1:-}" = all ]; then
	dir=$2
	mkdir -p "$dir"
	for arch in amd64 arm64 riscv64; do
		for compiler in gcc clang; do
			for level in O0 O1 O2 O3 Os; do
				for name in percpu slab; do
					build "$dir" $name $arch $compiler $level o
					# gas leaves padding for riscv64's linkers to take out.
					[ $arch-$compiler = riscv64-gcc ] || build "$dir" $name $arch $compiler $level linked
				done
				for kind in exe pie so; do
					build "$dir" percpu $arch $compiler $level $kind
				done
			done
		done
		for level in O0pic O2pic; do
			build "$dir" tls $arch gcc $level o
			[ $arch = riscv64 ] || build "$dir" tls $arch gcc $level linked
		done
		build "$dir" wrong $arch gcc O2 exe
		build "$dir" wrong $arch clang O1 o
	done
	exit
fi

# What is checked in: each architecture with each compiler, level and kind at
# least once, and not each combination. What is only for the tests of lift/elf is
# there.
while read -r dir name arch compiler level kind; do
	build "$dir" "$name" "$arch" "$compiler" "$level" "$kind"
done <<'LIST'
. percpu amd64 gcc O2 o
. percpu amd64 gcc O0 exe
. percpu amd64 gcc O3 so
. percpu amd64 clang O1 o
. percpu amd64 clang O2 pie
. percpu arm64 gcc O2 o
. percpu arm64 gcc O1 pie
. percpu arm64 clang O0 exe
. percpu arm64 clang O2 pie
. percpu arm64 clang O3 so
. percpu riscv64 gcc O2 pie
. percpu riscv64 gcc O1 o
. percpu riscv64 gcc O3 exe
. percpu riscv64 clang O2 o
. percpu riscv64 clang O0 exe
. slab amd64 gcc O2 o
. slab arm64 clang O2 o
. slab riscv64 clang O1 o
. wrong amd64 gcc O2 exe
. wrong amd64 clang O1 o
. wrong arm64 gcc O2 exe
. wrong riscv64 gcc O2 exe
../elf/testdata percpu amd64 gcc O2 linked
../elf/testdata percpu arm64 gcc O2 linked
../elf/testdata percpu riscv64 clang O2 linked
../elf/testdata slab amd64 gcc O2 linked
../elf/testdata slab arm64 clang O2 linked
../elf/testdata slab riscv64 clang O1 linked
../elf/testdata tls amd64 gcc O2pic o
../elf/testdata tls amd64 gcc O2pic linked
../elf/testdata tls amd64 clang O2ie o
../elf/testdata tls arm64 gcc O2pic o
../elf/testdata tls arm64 gcc O2pic linked
../elf/testdata tls arm64 gcc O2pic so
../elf/testdata tls arm64 gcc O2ie o
../elf/testdata tls riscv64 gcc O2ie o
../elf/testdata tls riscv64 gcc O2pic so
LIST
