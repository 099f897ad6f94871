package conform_test

import (
	"reflect"
	"testing"

	"github.com/rseqemu/rseqemu/conform"
)

// TestOutcomesAreEqualIfAllIs: one that has anything else is another one, and none is
// the same as empty.
func TestOutcomesAreEqualIfAllIs(t *testing.T) {
	some := conform.Outcome{
		Calls: []string{"0"}, Second: []string{"1"}, Children: []string{"2"}, End: "SIGSEGV at op", Missed: []string{"op+1"},
		Looks: []conform.Looked{{At: "op", Seen: []conform.Seen{{What: "flags", Value: "0"}}}},
		Seen:  []conform.Seen{{What: "cpu_id", Value: "c0"}},
	}
	if !some.Equal(some) || (conform.Outcome{}).Equal(some) {
		t.Error("an outcome isn't itself, or is nothing")
	}
	of := reflect.ValueOf(&some).Elem()
	for i := range of.NumField() {
		name := of.Type().Field(i).Name
		if name == "Blind" {
			continue // less is known then, which is another matter
		}
		other := some
		reflect.ValueOf(&other).Elem().Field(i).SetZero()
		if some.Equal(other) || other.Equal(some) {
			t.Errorf("without %s it is the same", name)
		}
	}
	for _, tt := range []struct {
		a, b conform.Outcome
		want bool
	}{
		{conform.Outcome{Calls: []string{}}, conform.Outcome{}, true},
		{conform.Outcome{Seen: []conform.Seen{{What: "x", Value: "0 or c1"}}}, conform.Outcome{Seen: []conform.Seen{{What: "x", Value: "c1"}}}, true},
		{conform.Outcome{Seen: []conform.Seen{{What: "x", Value: "0 or c1"}}}, conform.Outcome{Seen: []conform.Seen{{What: "y", Value: "c1"}}}, false},
		{conform.Outcome{Looks: []conform.Looked{{At: "op"}}}, conform.Outcome{Looks: []conform.Looked{{At: "op+1"}}}, false},
		{conform.Outcome{End: "SIGSEGV", Blind: true}, some, true},
		{conform.Outcome{End: "SIGBUS", Blind: true}, some, false},
	} {
		if got := tt.a.Equal(tt.b); got != tt.want {
			t.Errorf("%v and %v are the same: %v", tt.a, tt.b, got)
		}
	}
}
