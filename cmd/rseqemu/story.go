package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// addStory adds the flag that says how much of a run is told.
func addStory(cmd *cobra.Command, story *string, standard string) {
	cmd.Flags().StringVar(story, "story", standard, "how much of a run is told: full, brief (calls that nothing disturbed are\nfolded) or none")
	complete(cmd, "story", "full", "brief", "none")
}

func storyFlag(s string) error {
	switch s {
	case "full", "brief", "none":
		return nil
	}
	return fmt.Errorf("--story is full, brief or none, not %q", s)
}

func join(words []string) string { return strings.Join(words, ", ") }

// shell quotes a command's argument where a shell would take it apart.
func shell(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,+@%=\\", r) || r > 0x7f
	}
	if arg != "" && strings.IndexFunc(arg, func(r rune) bool { return !plain(r) }) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
