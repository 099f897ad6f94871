module github.com/rseqemu/rseqemu/bench

go 1.25.0

require (
	github.com/rseqemu/rseqemu v0.0.0
	github.com/tetratelabs/wazero v1.12.0
)

require (
	github.com/anishathalye/porcupine v1.3.1 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/klauspost/cpuid/v2 v2.2.10 // indirect
	github.com/zeebo/xxh3 v1.1.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
	golang.org/x/tools v0.40.1-0.20260108161641-ca281cf95054 // indirect
)

replace github.com/rseqemu/rseqemu => ../
