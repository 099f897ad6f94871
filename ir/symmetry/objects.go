package symmetry

import (
	"slices"

	"github.com/rseqemu/rseqemu/ir"
)

// Class is a set of threads that can change places.
type Class struct {
	Threads []int
	// Objects are, by thread in the order of Threads, the addresses of the objects
	// that its script names.
	Objects [][]ir.Addr
}

// classes puts threads together whose scripts are the same but for objects: words
// of global data that the scripts of the class name, each once, all of the same
// size with the same contents.
func (f *Facts) classes() {
	p := f.im.Prog
	for i := range p.Threads {
		at := slices.IndexFunc(f.Classes, func(c Class) bool { return f.alike(c.Threads[0], i) })
		if at < 0 {
			f.Classes = append(f.Classes, Class{})
			at = len(f.Classes) - 1
		}
		f.Classes[at].Threads = append(f.Classes[at].Threads, i)
	}
	f.findObjects()
	out := f.Classes[:0]
	for _, c := range f.Classes {
		if len(c.Threads) > 1 {
			out = append(out, c)
		}
	}
	f.Classes = out
}

// alike reports whether two scripts call the same functions, from the same CPUs,
// with arguments that are equal or both in global data.
func (f *Facts) alike(i, j int) bool {
	a, b := &f.im.Prog.Threads[i], &f.im.Prog.Threads[j]
	return a.CPUs == b.CPUs && slices.EqualFunc(a.Calls, b.Calls, func(x, y ir.OpCall) bool {
		return x.Func == y.Func && slices.EqualFunc(x.Args, y.Args, func(v, w ir.Value) bool {
			return v == w || f.inData(f.address(v)) && f.inData(f.address(w))
		})
	})
}

func (f *Facts) address(v ir.Value) ir.Addr { return f.im.Symbols[v.Sym] + ir.Addr(v.Off) }

func (f *Facts) inData(a ir.Addr) bool {
	return a >= ir.DataBase && a < ir.DataBase+ir.Addr(len(f.im.Data))
}

// findObjects lists the arguments in which the threads of a class differ, and cuts
// the data into objects at them: each reaches up to the next, and all are as large
// as the smallest.
func (f *Facts) findObjects() {
	for k := range f.Classes {
		c := &f.Classes[k]
		if len(c.Threads) < 2 {
			continue
		}
		c.Objects = make([][]ir.Addr, len(c.Threads))
		for n, call := range f.im.Prog.Threads[c.Threads[0]].Calls {
			for a := range call.Args {
				differ := false
				for _, t := range c.Threads {
					differ = differ || f.im.Prog.Threads[t].Calls[n].Args[a] != call.Args[a]
				}
				if !differ {
					continue
				}
				f.args[argument{call.Func, a}] = true
				nth := 0 // of the objects of each thread
				for i, t := range c.Threads {
					o := f.address(f.im.Prog.Threads[t].Calls[n].Args[a])
					at := slices.Index(c.Objects[i], o)
					if at < 0 {
						at = len(c.Objects[i])
						c.Objects[i] = append(c.Objects[i], o)
						f.owners[o] = t
					}
					if i == 0 {
						nth = at
					} else if at != nth {
						f.refuse(0, "the scripts name the same object in different calls")
						return
					}
				}
			}
		}
	}
	var all []ir.Addr
	for _, c := range f.Classes {
		for _, os := range c.Objects {
			all = append(all, os...)
		}
	}
	slices.Sort(all)
	f.size(all)
}

// size measures the objects.
func (f *Facts) size(all []ir.Addr) {
	for i, a := range all {
		d := f.dataAt(a)
		if d == nil {
			f.refuse(0, "the scripts name what is between variables")
			return
		}
		end := f.im.Symbols[d.Name] + ir.Addr(d.Count*d.Width.Bytes())
		if i+1 < len(all) {
			if all[i+1] == a {
				f.refuse(0, "two threads' scripts name the same object")
				return
			}
			end = min(end, all[i+1])
		}
		if n := int64(end - a); f.ObjectSize == 0 || n < f.ObjectSize {
			f.ObjectSize = n
		}
	}
	f.ObjectSize &^= 7
	for _, a := range all {
		first, here := f.im.Data[all[0]-ir.DataBase:][:f.ObjectSize], f.im.Data[a-ir.DataBase:][:f.ObjectSize]
		if f.ObjectSize == 0 || a%8 != 0 || string(first) != string(here) {
			f.refuse(0, "the objects that scripts name are not of whole words with the same contents")
			return
		}
		f.objects = append(f.objects, a)
	}
}

func (f *Facts) dataAt(a ir.Addr) *ir.Data {
	for i := range f.im.Prog.Data {
		d := &f.im.Prog.Data[i]
		if from := f.im.Symbols[d.Name]; d.Kind == ir.Global && a >= from && a < from+ir.Addr(d.Count*d.Width.Bytes()) {
			return d
		}
	}
	return nil
}

// named returns whether w bytes at a are in an object.
func (f *Facts) named(a ir.Addr, w int64) bool {
	for _, o := range f.objects {
		if a+ir.Addr(w) > o && a < o+ir.Addr(f.ObjectSize) {
			return true
		}
	}
	return false
}

// HasObject reports whether a variable's data has an object.
func (f *Facts) HasObject(name string) bool {
	a := f.im.Symbols[name]
	for i := range f.im.Prog.Data {
		if d := &f.im.Prog.Data[i]; d.Name == name {
			return f.named(a, int64(d.Count*d.Width.Bytes()))
		}
	}
	return false
}

// HasObjects reports whether a variable's data has all objects.
func (f *Facts) HasObjects(name string) bool {
	return !slices.ContainsFunc(f.objects, func(a ir.Addr) bool { return f.dataAt(a).Name != name })
}
