package emu

import (
	"fmt"
	"strings"
)

// Change is a change of a rule: a name of [Rules], and one of its words.
type Change struct{ Rule, Value string }

// ChangeError says which of some changes is wrong.
type ChangeError struct {
	I     int  // which one, from 0
	Value bool // its value is wrong, not the name of its rule
	Msg   string
}

func (e *ChangeError) Error() string { return e.Msg }

// Variant returns a kernel that isn't there: a base with changes, in any order. Its
// name is the base's with the changes behind it, as [ParseKernel] reads it. The error is
// a [*ChangeError]: for a rule that isn't known or changed twice, for a word that isn't
// the rule's, for a change that changes nothing, and for rules that contradict each
// other. What the base claims, the patterns of [Claims] say of the variant too.
func Variant(base Kernel, changes ...Change) (Kernel, error) {
	k := base
	k.Proposal = ""
	at := map[string]int{}
	for i, c := range changes {
		r := ruleByName(c.Rule)
		if r == nil {
			return base, &ChangeError{i, false, fmt.Sprintf("unknown rule %q (%s)", clip(c.Rule), ruleNames())}
		}
		if _, twice := at[c.Rule]; twice {
			return base, &ChangeError{i, false, c.Rule + " is changed twice"}
		}
		at[c.Rule] = i
		switch before := r.get(&k); {
		case !r.set(&k, c.Value):
			return base, &ChangeError{i, true, fmt.Sprintf("%s is %s, not %q", c.Rule, r.Words, clip(c.Value))}
		case r.get(&k) == before:
			return base, &ChangeError{i, true, fmt.Sprintf("%s is %s on %s already", c.Rule, before, base)}
		}
	}
	for _, c := range k.conflicts() {
		a, changedA := at[c.a]
		b, changedB := at[c.b]
		if !changedA && !changedB {
			continue // not of these changes' making
		}
		last := max(a, b)
		if changedA != changedB {
			last = b
			if changedA {
				last = a
			}
		}
		value := func(rule string) string {
			if r := ruleByName(rule); r != nil {
				return rule + " = " + r.get(&k)
			}
			return rule + " = " + k.Entry.String() // the base's own
		}
		return base, &ChangeError{last, false, fmt.Sprintf("%s and %s contradict each other: %s", value(c.a), value(c.b), c.why)}
	}
	return k, nil
}

func ruleNames() string {
	var names []string
	for i := range rules {
		names = append(names, rules[i].Name)
	}
	return strings.Join(names, ", ")
}

// clip shortens what comes from outside for a message.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// release is the kernel that a variant was made from; the kernel itself if it is a
// release, or none that is known.
func (k *Kernel) release() Kernel {
	base, err := LinuxRelease(k.Release, k.Arch)
	if err != nil {
		return *k
	}
	base.useEntry(k.Entry)
	base.Legacy, base.Debug, base.Slices, base.Preemption = k.Legacy, k.Debug, k.Slices, k.Preemption
	return base
}

// Changes are the rules in which a kernel isn't as its release is.
func (k Kernel) Changes() []Change {
	base := k.release()
	var out []Change
	for i := range rules {
		if v := rules[i].get(&k); v != rules[i].get(&base) {
			out = append(out, Change{rules[i].Name, v})
		}
	}
	return out
}

// Spec is the kernel's name with all that it differs in, as [ParseKernel] reads it:
// 7.3/v2+V2=flag. For a release it is [Kernel.String].
func (k Kernel) Spec() string {
	var b strings.Builder
	b.WriteString(k.base())
	for _, c := range k.Changes() {
		b.WriteString("+" + c.Rule + "=" + c.Value)
	}
	return b.String()
}

// parseChanges makes a variant from what is behind a base's name: V2=flag+Debug=yes.
func parseChanges(base Kernel, text string) (Kernel, error) {
	var changes []Change
	for _, word := range strings.Split(text, "+") {
		rule, value, ok := strings.Cut(word, "=")
		if !ok {
			return base, fmt.Errorf("kernel %s: %q is no change such as V2=flag", base, clip(word))
		}
		changes = append(changes, Change{rule, value})
	}
	k, err := Variant(base, changes...)
	if err != nil {
		return base, fmt.Errorf("kernel %s: %w", base, err)
	}
	return k, nil
}
