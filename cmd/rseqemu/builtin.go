package main

import (
	"strings"
)

// builtin is a program that needs no file.
type builtin struct {
	Name  string `json:"name"`
	About string `json:"about"`

	text string
}

const builtInPrefix = "percpu:"

// builtIns are the per-CPU structures of package percpu and the bugs in them.
func builtIns() []builtin {
	var out []builtin
	return out
}

func builtIn(arg string) (builtin, bool) {
	if !strings.HasPrefix(arg, builtInPrefix) {
		return builtin{}, false
	}
	for _, b := range builtIns() {
		if b.Name == arg {
			return b, true
		}
	}
	return builtin{}, false
}
