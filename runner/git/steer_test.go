package git_test

import (
	"testing"

	"chant/runner/git"
)

// TestSameSettings: what a new branch tracks is git's own note, and comments say
// nothing; whatever else a file says counts.
func TestSameSettings(t *testing.T) {
	t.Parallel()
	const before = "[core]\n\tbare = false\n[branch \"main\"]\n\tremote = origin\n"
	tests := []struct {
		after string
		same  bool
	}{
		{before, true},
		{"# mine\n" + before, true},
		{before + "[branch \"a.b\"]\n\tremote = origin\n\tmerge = refs/heads/main\n", true},
		{before + "[branch \"main\"]\n\tpushRemote = other\n", false},
		{before + "[branch]\n\tautoSetupMerge = always\n", false},
		{before + "[filter \"x\"]\n\tclean = ./x\n", false},
		{"[core]\n\tbare = false\n", false},
		{"", false},
		{before + "[", false},
	}
	for _, tt := range tests {
		if got := git.SameSettings([]byte(before), []byte(tt.after)); got != tt.same {
			t.Errorf("%q: %v", tt.after, got)
		}
	}
}
