package prove

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
	"chant/runner/record"
)

// A proof is about the commit that completed the fix, whatever was changed since.
func TestProveCompletion(t *testing.T) {
	t.Parallel()
	fixed := story()
	broken := with(fixed[2], "value.txt", "wrong again\n", "t/test.sh", "true\n", ".chant/config.md", "---\nsuite: 'false'\n---\n")
	renamed := with(fixed[2], ".chant/specs/002.md", "", ".chant/specs/007.md", specRed,
		".chant/specs/005.md", strings.Replace(specFix, "002", "007", 1))
	for _, tt := range []struct {
		name    string
		later   map[string]string
		opts    Options
		verdict record.ProofVerdict
		head    string // a tag
	}{
		{"broken since", broken, Options{}, record.Proven, "c3"},
		{"broken since, at HEAD", broken, Options{At: "HEAD"}, record.Weakened, "c4"},
		{"broken since, in the work tree", broken, Options{Worktree: true}, record.Weakened, "c4"},
		{"specs renamed since", renamed, Options{}, record.Proven, "c3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t, append(story(), tt.later)...)
			got := r.prove(t, tt.opts)
			if got.Verdict != tt.verdict {
				t.Errorf("got %s (%s), want %s", got.Verdict, got.Reason, tt.verdict)
			}
			want := []string{r.git(t, "", "rev-parse", "c2"), r.git(t, "", "rev-parse", tt.head), r.git(t, "", "rev-parse", tt.head+":")}
			if diff := cmp.Diff(want, []string{got.Base.Commit, got.Head.Commit, got.Head.Tree}); diff != "" {
				t.Errorf("base, head and its tree (-want +got):\n%s", diff)
			}
		})
	}
}

// The work tree counts as git would store it: changed, new and deleted files, and
// a fix that is not completed.
func TestProveWorktree(t *testing.T) {
	t.Parallel()
	r := newRepo(t, atBase(story(), ".gitattributes", "*.sh text\n", ".gitignore", "ignored\n.chant/store\n")[:2]...)
	if err := os.Remove(filepath.Join(r.root, "README")); err != nil {
		t.Fatal(err)
	}
	r.write(t, map[string]string{
		"value.txt": "right\n", "src/new": "#!new\n", "link": "->src", "ignored": "x",
		"t/test.sh": strings.ReplaceAll(testScript, "\n", "\r\n"),
	})
	objects := r.git(t, "", "count-objects")
	got := r.prove(t, Options{Worktree: true})
	if got.Verdict != record.Proven || !got.Head.Worktree || got.Head.Commit != got.Base.Commit || got.Head.Tree == got.Base.Tree {
		t.Errorf("got %s (%s), head %+v", got.Verdict, got.Reason, got.Head)
	}
	want := []record.ProofPath{
		{Path: "README", Class: record.ClassOther, Green: record.Absent, Causal: record.Absent},
		{Path: "link", Class: record.ClassOther, Green: record.FromHead, Causal: record.FromHead},
		{Path: "src/new", Class: record.ClassFix, Green: record.FromHead, Causal: record.Absent},
		{Path: "value.txt", Class: record.ClassFix, Green: record.FromHead, Causal: record.FromBase},
	}
	if diff := cmp.Diff(want, got.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if now := r.git(t, "", "count-objects"); now != objects {
		t.Errorf("the repository has %s, had %s", now, objects)
	}
	r.git(t, "", "add", "--all")
	if tree := r.git(t, "", "write-tree"); tree != got.Head.Tree {
		t.Errorf("head's tree is %s, git makes %s", got.Head.Tree, tree)
	}
}

func TestProveErrors(t *testing.T) {
	t.Parallel()
	nothing := func(err error) bool { return errors.Is(err, ErrNothingToProve) }
	shallow := func(err error) bool { return errors.Is(err, git.ErrShallow) }
	late := story()
	late[1] = with(late[1], "t/test.sh", "")
	later := atBase(story(), ".chant/specs/002.md", strings.Replace(specRed, "expect=fail match", "match", 1))
	later[2] = with(later[2], ".chant/specs/002.md", specRed)
	reopened := with(story()[2], ".chant/specs/002.md", strings.Replace(specRed, "completed", "pending", 1), "value.txt", "wrong\n")
	again := append(story(), reopened, with(reopened, ".chant/specs/002.md", specRed))
	for _, tt := range []struct {
		name    string
		commits []map[string]string
		opts    Options
		shallow string // the commit that a shallow clone ends with; "" for a whole one
		fails   func(error) bool
		says    string // a part of it
	}{
		{"the test came later", late, Options{}, "", isUsage, "the test came later"},
		{"the check came later", later, Options{}, "", isUsage, "reproduced nothing"},
		{"a shallow clone", story(), Options{}, "c2", shallow, "git fetch --unshallow"},
		{"no reproduction", story()[:1], Options{}, "", nothing, "no completed spec"},
		{"a revision before it", story(), Options{At: "c1"}, "", nothing, "no completed spec"},
		{"the fix is open", story()[:2], Options{Reproduction: "002", Fix: "005"}, "", nothing, "does not hold spec 005 as completed"},
		{"reproduced after the fix", again, Options{}, "", nothing, "set the status of 005 to pending, and run it again"},
		{"two heads", story(), Options{At: "c3", Worktree: true}, "", isUsage, "of a revision or of the worktree"},
		{"no number", story(), Options{Runs: -1}, "", isUsage, "positive"},
		{"no chance", story(), Options{Alpha: 1}, "", isUsage, "between 0 and 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t, tt.commits...)
			if tt.shallow != "" {
				r.write(t, map[string]string{".git/shallow": r.git(t, "", "rev-parse", tt.shallow) + "\n"})
			}
			_, err := r.prover.Prove(t.Context(), tt.opts)
			if err == nil || !tt.fails(err) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got error %v, want one that says %q", err, tt.says)
			}
		})
	}
}
