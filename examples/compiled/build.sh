#!/bin/sh
# Compiles stack.c into the objects beside it (those here: Debian 12's gcc 12.2).
#
#	apt-get install gcc gcc-aarch64-linux-gnu
set -eu
cd "$(dirname "$0")"
flags="-O2 -g -fno-stack-protector -fno-asynchronous-unwind-tables -ffile-prefix-map=$PWD=."
gcc $flags -c stack.c -o stack.o
gcc $flags -DBUG -c stack.c -o stack-bug.o
aarch64-linux-gnu-gcc $flags -c stack.c -o stack-arm64.o
