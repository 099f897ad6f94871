package emu

// Field is a place in user memory that the kernel loads or stores on the way to
// user mode.
type Field uint8

// The fields of struct rseq, then what rseq_cs points to and what stands before
// its abort_ip.
const (
	FieldCPUIDStart Field = iota
	FieldCPUID
	FieldRSeqCS
	FieldFlags
	FieldNodeID
	FieldMMCID
	FieldDescriptor // each of its five fields is an access of its own
	FieldSignature
	NumFields
)

var fieldNames = [NumFields]string{"cpu_id_start", "cpu_id", "rseq_cs", "flags", "node_id", "mm_cid", "descriptor", "signature"}

func (f Field) String() string { return fieldNames[f] }

// Accesses count what the kernel loads from and stores to user memory on the way
// to user mode, by field. A signal's frame is not among it, nor is what the system
// calls do.
type Accesses [NumFields]Access

// Access counts the accesses to one field.
type Access struct{ Loads, Stores uint64 }

// Total is the sum over all fields.
func (a *Accesses) Total() Access {
	var sum Access
	for _, f := range a {
		sum.Loads += f.Loads
		sum.Stores += f.Stores
	}
	return sum
}

// CountAccesses adds the kernel's accesses to a from now on; nil ends that, and is
// how a machine begins. Going back to a snapshot doesn't take them back.
func (m *Machine) CountAccesses(a *Accesses) { m.accesses = a }

func (m *Machine) loads(f Field, n uint64) {
	if m.accesses != nil {
		m.accesses[f].Loads += n
	}
}

func (m *Machine) stores(f Field, n uint64) {
	if m.accesses != nil {
		m.accesses[f].Stores += n
	}
}
