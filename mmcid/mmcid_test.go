package mmcid

import (
	"slices"
	"strings"
	"testing"
)

// explore is a search that must come to its end.
func explore(t *testing.T, m Model) *Result {
	t.Helper()
	r, err := m.Explore()
	if err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	return r
}

// The algorithm has its properties whatever the order of switches, migrations, forks,
// exits, execs, and CPUs that are allowed in addition.
func TestTheAlgorithmHasItsProperties(t *testing.T) {
	for _, m := range []Model{
		{CPUs: 1, Tasks: 1, Forks: 2, Exits: 2},
		{CPUs: 2, Tasks: 2, Forks: 1, Exits: 2, Execs: 1},
		{CPUs: 2, Tasks: 1, Forks: 3, Exits: 2},
		{CPUs: 3, Tasks: 3, Forks: 1},
		{CPUs: 3, Tasks: 2, Forks: 2},
		{CPUs: 3, Tasks: 2, Allowed: 2, Forks: 1, Exits: 1, Grows: 1},
	} {
		if r := explore(t, m); r.Broken != "" {
			t.Errorf("%+v: %s is broken:\n%s", m, r.Broken, strings.Join(r.Path, "\n"))
		}
	}
}

// What was repaired is found when the repair is left out, with the model that is just
// large enough, and by the run that is given here.
func TestWhatWasRepairedIsFound(t *testing.T) {
	for _, tt := range []struct {
		name string
		m    Model
		path []string
	}{
		// T0's id is with c0. T0 is moved to c1, which has none, and looks for one, but T1
		// has the other. The walk, which is T0's, can't go on.
		{"live lock, February 2026", Model{CPUs: 2, Tasks: 2, Forks: 1, Rules: Rules{Direct: true}}, []string{
			"c0 gets T0", "T0 forks T2", "T0 leaves c0", "T0 is moved to c1", "c1 gets T0"}},
		// The same, as c0 doesn't know of the transition when T0 comes back to it.
		{"weak order, February 2026", Model{CPUs: 2, Tasks: 2, Forks: 1, Rules: Rules{Unordered: true}}, []string{
			"c0 gets T0", "T0 forks T2", "T0 leaves c0", "c0 gets T0", "T0 leaves c0", "T0 is moved to c1", "c1 gets T0"}},
		// T0 is in fork() when T1's fork changes the mode; the walk doesn't see T2, whose
		// id nobody can use until T0 goes on, which needs one.
		{"concurrent forks, March 2026", Model{CPUs: 3, Tasks: 2, Forks: 2, Rules: Rules{EarlyChild: true}}, []string{
			"c0 gets T0", "T0 forks T2", "T0 leaves c0", "c1 gets T1", "T1 forks T3", "the walk comes to T0", "the walk comes to T1", "the walk is over",
			"T1 leaves c1", "c1 gets T1", "T3 is moved to c2", "c2 gets T3", "c0 gets T0"}},
		// T1, which the walk doesn't come to, waits for c1 with an id of its own, and so c1
		// finds none for T2.
		{"vfork, March 2026", Model{CPUs: 2, Tasks: 2, Forks: 1, Rules: Rules{ShortWalk: true}}, []string{
			"c0 gets T0", "T0 forks T2", "the walk comes to T0", "the walk is over", "T0 leaves c0", "c0 gets T0", "T2 is moved to c1", "c1 gets T2"}},
	} {
		r := explore(t, tt.m)
		if r.Broken != "progress" || !slices.Equal(r.Path, tt.path) {
			t.Errorf("%s: %q is broken by %q, want progress by %q", tt.name, r.Broken, r.Path, tt.path)
		}
		smaller := tt.m
		smaller.CPUs--
		smaller.Tasks = min(smaller.Tasks, smaller.CPUs)
		if r := explore(t, smaller); r.Broken != "" {
			t.Errorf("%s: %s is broken on %d CPUs, too", tt.name, r.Broken, smaller.CPUs)
		}
	}
}

// The case that was written down with the repair: T1 leaves its id with c1, is moved to
// c2, and looks for one there with the run queue locked, which is what the walk of T0,
// which runs all the time, needs to come to T1.
func TestTheCaseOfTheRepair(t *testing.T) {
	for _, direct := range []bool{true, false} {
		m := Model{CPUs: 3, Allowed: 3, Tasks: 3, Forks: 1, Rules: Rules{Direct: direct}}
		s := m.first()
		for _, what := range []string{"c0 gets T0", "T0 forks T3", "c1 gets T1", "T1 leaves c1", "T1 is moved to c2", "c2 gets T1", "the walk comes to T0"} {
			all := m.steps(&s)
			i := slices.IndexFunc(all, func(st step) bool { return st.what.String() == what })
			if i < 0 {
				t.Fatalf("direct %v: %q can't happen", direct, what)
			}
			s = all[i].to
		}
		locked := s.cpus[2].seek != nobody
		walks := slices.ContainsFunc(m.steps(&s), func(st step) bool { return st.what.String() == "the walk comes to T1" })
		if locked != direct || walks == direct {
			t.Errorf("direct %v: c2 looks for an id: %v, the walk goes on: %v", direct, locked, walks)
		}
	}
}

// Each kind of step is there in some search, and so each property was asked about it.
func TestEveryKindOfStepIsTaken(t *testing.T) {
	want := []string{"%d finds an id", "%d gets T", "is moved to", "becomes visible", "is allowed, too", "leaves c", "forks T", "exits", "execs",
		"all see the transition", "the walk comes to T", "the walk comes to c", "the walk is over"}
	seen := map[string]bool{}
	for _, m := range []Model{
		{CPUs: 2, Allowed: 1, Tasks: 1, Forks: 2, Exits: 2, Grows: 1, Execs: 1, Rules: Rules{Direct: true, Unordered: true, EarlyChild: true}},
		{CPUs: 3, Allowed: 3, Tasks: 3, Forks: 1, Rules: Rules{Direct: true}},
		{CPUs: 2, Allowed: 2, Tasks: 1, Forks: 1, Rules: Rules{EarlyChild: true}},
	} {
		g := &graph{number: map[state]int32{}}
		g.add(m.first(), -1, label{})
		for at := 0; at < len(g.states); at++ {
			s := g.states[at]
			for _, st := range m.steps(&s) {
				g.add(st.to, int32(at), st.what)
				seen[st.what.format] = true
			}
		}
	}
	for _, w := range want {
		found := false
		for format := range seen {
			found = found || strings.Contains(format, w)
		}
		if !found {
			t.Errorf("no step is %q", w)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d kinds of steps, %d are wanted", len(seen), len(want))
	}
}

// What must never be is seen where it is.
func TestWhatIsWrongIsSeen(t *testing.T) {
	m := Model{CPUs: 2, Allowed: 2, Tasks: 2}
	for _, tt := range []struct {
		name, want string
		change     func(s *state)
	}{
		{"as it begins", "", func(*state) {}},
		{"two tasks with an id", "unique", func(s *state) { s.tasks[1].cid = 0 }},
		{"a task and a CPU", "unique", func(s *state) { s.cpus[1].cid = 1 }},
		{"one in transit", "unique", func(s *state) { s.tasks[1].of, s.tasks[1].cid = transit, 0 }},
		{"an id beyond the CPUs", "bound", func(s *state) { s.tasks[1].cid = 2 }},
		{"a running task without one", "unique", func(s *state) { s.cpus[0].cur = 0; s.tasks[0].life = running; s.tasks[0].drop() }},
		{"its CPU has none", "unique", func(s *state) { s.cpus[0].cur = 0; s.tasks[0].life = running; s.tasks[0].drop(); s.tasks[0].of = cpus }},
		{"it looks for one", "", func(s *state) { s.cpus[0].cur, s.cpus[0].seek = 0, own; s.tasks[0].life = running; s.tasks[0].drop() }},
	} {
		s := m.first()
		tt.change(&s)
		if got := m.wrong(&s); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// An id that nobody exchanges stays too high: without that the ids aren't dense.
func TestIDsAreDenseBecauseTheyAreExchanged(t *testing.T) {
	m := Model{CPUs: 2, Tasks: 2, Exits: 1, Rules: Rules{kept: true}}
	if r := explore(t, m); r.Broken != "dense" || !slices.Equal(r.Path, []string{"c0 gets T0", "T0 exits"}) {
		t.Errorf("%q is broken by %q, want dense by the exit of T0", r.Broken, r.Path)
	}
	m.kept = false
	if r := explore(t, m); r.Broken != "" {
		t.Errorf("%s is broken by %q", r.Broken, r.Path)
	}
}

func TestModelsOutOfRange(t *testing.T) {
	for _, m := range []Model{
		{}, {CPUs: MaxCPUs + 1, Tasks: 1}, {CPUs: 2, Allowed: 3, Tasks: 1}, {CPUs: 2, Tasks: 3}, {CPUs: 2}, {CPUs: 2, Allowed: -1, Tasks: 1},
		{CPUs: 2, Tasks: 1, Forks: MaxTasks}, {CPUs: 2, Tasks: 1, Forks: -1}, {CPUs: 2, Tasks: 1, Exits: 101},
	} {
		if r, err := m.Explore(); err == nil {
			t.Errorf("%+v: %+v", m, r)
		}
	}
}
