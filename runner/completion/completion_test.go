package completion

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
)

// history is a repository in memory: commits c1, c2 … on one line, each with
// all its files. It answers only what completions asks.
type history struct {
	Repository
	commits []map[string]string     // path → content, oldest first
	shallow bool                    // what came before the oldest is missing
	merged  map[git.Hash][]git.Hash // the parents of merges; others have the one before them
	read    []string                // "commit path" of every file read
}

func (h *history) files(commit git.Hash) map[string]string {
	var n int
	if _, err := fmt.Sscanf(string(commit), "c%d", &n); err != nil {
		panic(err)
	}
	return h.commits[n-1]
}

// FirstParents dates each commit an hour after the one with the number before.
func (h *history) FirstParents(from git.Hash) iter.Seq2[git.Commit, error] {
	return func(yield func(git.Commit, error) bool) {
		for next := from; next != "c0"; {
			n, err := strconv.Atoi(string(next[1:]))
			if err != nil {
				panic(err)
			}
			c := git.Commit{Hash: next, Parents: h.merged[next], Time: hour(n)}
			if c.Parents == nil {
				c.Parents = []git.Hash{git.Hash(fmt.Sprintf("c%d", n-1))}
			}
			if !yield(c, nil) {
				return
			}
			next = c.Parents[0]
		}
		if h.shallow {
			yield(git.Commit{}, git.ErrShallow)
		}
	}
}

// Entry names a folder by all that it holds.
func (h *history) Entry(commit git.Hash, path string) (git.Hash, error) {
	var b strings.Builder
	files := h.files(commit)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(name, path+"/") {
			fmt.Fprintf(&b, "%s=%q;", name, files[name])
		}
	}
	return git.Hash(b.String()), nil
}

func (h *history) Files(commit git.Hash, under string) ([]string, error) {
	var list []string
	for name := range h.files(commit) {
		if strings.HasPrefix(name, under+"/") {
			list = append(list, name)
		}
	}
	return list, nil
}

func (h *history) ReadFile(commit git.Hash, path string) ([]byte, error) {
	h.read = append(h.read, string(commit)+" "+path)
	return []byte(h.files(commit)[path]), nil
}

func status(word string) string { return "---\nstatus: " + word + "\n---\n# T\n" }

func hour(n int) time.Time { return time.Date(2026, 1, 1, n, 0, 0, 0, time.UTC) }

// completedAt is a spec that says when it was completed: by commit n.
func completedAt(n int) string {
	return "---\nstatus: completed\ncompleted_at: " + hour(n).Format(time.RFC3339) + "\n---\n# T\n\n## Acceptance Criteria\n\n- [x] Works\n"
}

func at(files ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = files[i+1]
	}
	return m
}

func TestCompletions(t *testing.T) {
	t.Parallel()
	const one, two, old = ".chant/specs/001.md", ".chant/specs/002.md", ".chant/archive/2026/001.md"
	open, done := status("pending"), status("completed")
	for _, tt := range []struct {
		name    string
		commits []map[string]string
		want    map[string]string // id → commit
	}{
		{"completed", []map[string]string{at(one, open), at(one, done), at(one, done, "x", "1")}, map[string]string{"001": "c2"}},
		{"born completed", []map[string]string{at("x", "1"), at(one, done), at(one, done)}, map[string]string{"001": "c2"}},
		{"since the root", []map[string]string{at(one, done), at(one, done)}, map[string]string{"001": "c1"}},
		{"never", []map[string]string{at(one, open), at(one, open, two, done)}, map[string]string{"002": "c2"}},
		{"reopened", []map[string]string{at(one, done), at(one, open)}, map[string]string{}},
		{"completed again", []map[string]string{at(one, done), at(one, open), at(one, done), at(one, done, "x", "1")}, map[string]string{"001": "c3"}},
		{"deleted and back", []map[string]string{at(one, done), at("x", "1"), at(one, done)}, map[string]string{"001": "c3"}},
		{"reverted and landed again", []map[string]string{at(one, open), at(one, completedAt(2)), at(one, open), at(one, open, "x", "1"), at(one, completedAt(2))}, map[string]string{"001": "c2"}},
		{"reverted with its file", []map[string]string{at("x", "1"), at(one, completedAt(2)), at("x", "1"), at(one, completedAt(2))}, map[string]string{"001": "c2"}},
		{"reverted twice", []map[string]string{at(one, completedAt(1)), at(one, open), at(one, completedAt(1)), at(one, open), at(one, completedAt(1))}, map[string]string{"001": "c1"}},
		{"landed again elsewhere", []map[string]string{at(one, completedAt(1)), at(one, open), at(old, completedAt(1))}, map[string]string{"001": "c1"}},
		{"reverted", []map[string]string{at(one, completedAt(1)), at(one, open)}, map[string]string{}},
		{"reopened, completed at another time", []map[string]string{at(one, completedAt(1)), at(one, open), at(one, completedAt(3))}, map[string]string{"001": "c3"}},
		{"reopened, that reverted and landed again", []map[string]string{at(one, completedAt(1)), at(one, open), at(one, completedAt(3)), at(one, open), at(one, completedAt(3))}, map[string]string{"001": "c3"}},
		{"reopened, and rebased later", []map[string]string{at(one, completedAt(-2)), at(one, open), at(one, completedAt(-1))}, map[string]string{"001": "c3"}},
		{"reopened with other criteria", []map[string]string{at(one, completedAt(1)), at(one, open), at(one, completedAt(1)+"- [x] More\n")}, map[string]string{"001": "c3"}},
		{"archived later", []map[string]string{at(one, open), at(one, done), at(old, done)}, map[string]string{"001": "c2"}},
		{"edited after completion", []map[string]string{at(one, open), at(one, done), at(one, done+"\nmore")}, map[string]string{"001": "c2"}},
		{"squashed", []map[string]string{at("x", "1"), at(one, done, two, done, "x", "2")}, map[string]string{"001": "c2", "002": "c2"}},
		{"each its own", []map[string]string{at(one, done, two, open), at(one, done, two, done)}, map[string]string{"001": "c1", "002": "c2"}},
		{"a live spec wins over its archived namesake", []map[string]string{at(one, open, old, done)}, map[string]string{}},
		{"unrelated commits between", []map[string]string{
			at(one, open), at(one, done), at(one, done, "x", "1"), at(one, done, "x", "2"), at(one, done, "x", "3"),
		}, map[string]string{"001": "c2"}},
		{"no specs at all", []map[string]string{at("x", "1"), at("x", "2")}, map[string]string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			repo := &history{commits: tt.commits}
			from := git.Hash(fmt.Sprintf("c%d", len(tt.commits)))
			found, err := Find(repo, from, []string{"001", "002", "404"})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for id, done := range found {
				got[id] = string(done.Commit)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
		})
	}
}

// The criteria that count are those that the completing commit holds.
func TestCompletionHoldsTheSpecOfItsCommit(t *testing.T) {
	t.Parallel()
	const path = ".chant/specs/001.md"
	text := status("completed") + "\n## Acceptance Criteria\n\n- [x] As it was\n"
	repo := &history{commits: []map[string]string{at(path, text), at(path, text+"- [x] Added\n")}}
	found, err := Find(repo, "c2", []string{"001"})
	if err != nil {
		t.Fatal(err)
	}
	if s := found["001"].Spec; len(s.Criteria) != 1 || s.Criteria[0].Text != "As it was" {
		t.Errorf("got criteria %v", s.Criteria)
	}
}

// A merge brings the completion in; the line of the branch knows when it was.
func TestCompletionsThroughMerges(t *testing.T) {
	t.Parallel()
	const one, two = ".chant/specs/001.md", ".chant/specs/002.md"
	open, done := status("pending"), status("completed")
	repo := &history{
		commits: []map[string]string{
			at(one, open),                       // c1, on main
			at(one, done),                       // c2, on the branch
			at(one, done, two, done),            // c3, on the branch
			at(one, open, "x", "1"),             // c4, on main, after c1
			at(one, done, two, done, "x", "1"),  // c5 merges c3 into c4
			at(one, done, two, done, "x", "2"),  // c6, on main
			at(one, done, "x", "1"),             // c7, another branch, after c2
			at(one, done, two, done, "x", "21"), // c8 merges c7 into c6
		},
		merged: map[git.Hash][]git.Hash{"c4": {"c1"}, "c5": {"c4", "c3"}, "c7": {"c2"}, "c8": {"c6", "c7"}},
	}
	for _, from := range []git.Hash{"c3", "c5", "c6", "c8"} {
		found, err := Find(repo, from, []string{"001", "002"})
		if err != nil {
			t.Fatal(err)
		}
		if found["001"].Commit != "c2" || found["002"].Commit != "c3" {
			t.Errorf("from %s: got %s and %s, want c2 and c3", from, found["001"].Commit, found["002"].Commit)
		}
	}
}

// A merge that was reverted, and the revert reverted.
func TestCompletionsOfRelandedMerges(t *testing.T) {
	t.Parallel()
	const one = ".chant/specs/001.md"
	open, done := status("pending"), completedAt(2)
	repo := &history{
		commits: []map[string]string{
			at(one, open),           // c1, on main
			at(one, done),           // c2, on the branch
			at(one, open, "x", "1"), // c3, on main, after c1
			at(one, done, "x", "1"), // c4 merges c2 into c3
			at(one, open, "x", "1"), // c5 reverts c4
			at(one, done, "x", "1"), // c6 reverts c5
		},
		merged: map[git.Hash][]git.Hash{"c3": {"c1"}, "c4": {"c3", "c2"}},
	}
	found, err := Find(repo, "c6", []string{"001"})
	if err != nil || found["001"].Commit != "c2" {
		t.Errorf("got %s and error %v, want c2", found["001"].Commit, err)
	}
}

func TestCompletionsOfRenamedSpecs(t *testing.T) {
	t.Parallel()
	const was, is = ".chant/specs/old.md", ".chant/specs/new.md"
	body := "\n## Acceptance Criteria\n\n- [ ] Works\n"
	open, done := status("pending")+body, status("completed")+body
	for _, tt := range []struct {
		name    string
		commits []map[string]string
		want    git.Hash
	}{
		{"renamed", []map[string]string{at(was, open), at(was, done), at(is, done), at(is, done, "x", "1")}, "c2"},
		{"renamed, then edited", []map[string]string{at(was, open), at(was, done), at(is, done), at(is, done+"- [ ] More\n")}, "c2"},
		{"renamed twice", []map[string]string{at(was, done), at(".chant/specs/mid.md", done), at(is, done)}, "c1"},
		{"renamed as it was completed", []map[string]string{at(was, open), at(is, done)}, "c2"},
		{"another that stays", []map[string]string{at(was, done), at(was, done, is, done)}, "c2"},
		{"other criteria", []map[string]string{at(was, done+"- [ ] More\n"), at(is, done)}, "c2"},
	} {
		repo := &history{commits: tt.commits}
		found, err := Find(repo, git.Hash(fmt.Sprintf("c%d", len(tt.commits))), []string{"new"})
		if err != nil {
			t.Fatal(err)
		}
		if got := found["new"].Commit; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestCompletionsReadOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	const path = ".chant/specs/001.md"
	done := status("completed")
	repo := &history{commits: []map[string]string{
		at(path, status("pending")), at(path, done), at(path, done, "x", "1"), at(path, done, "x", "2"),
	}}
	if _, err := Find(repo, "c4", []string{"001"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c4 " + path, "c1 " + path}, repo.read); diff != "" {
		t.Errorf("files read (-want +got):\n%s", diff)
	}
}

func TestCompletionsInAShallowClone(t *testing.T) {
	t.Parallel()
	const path = ".chant/specs/001.md"
	repo := &history{shallow: true, commits: []map[string]string{at(path, status("completed"))}}
	if _, err := Find(repo, "c1", []string{"001"}); !errors.Is(err, git.ErrShallow) {
		t.Errorf("got error %v, want ErrShallow: the completing commit may be missing", err)
	}
	repo.commits = append([]map[string]string{at(path, status("pending"))}, repo.commits...)
	found, err := Find(repo, "c2", []string{"001"})
	if err != nil || found["001"].Commit != "c2" {
		t.Errorf("got %v, error %v: what is missing does not matter here", found, err)
	}
	repo.commits = []map[string]string{at(path, status("pending")), at(path, completedAt(2))}
	if found, err = Find(repo, "c2", []string{"001"}); err != nil || found["001"].Commit != "c2" {
		t.Errorf("got %v, error %v: what is missing is older than the completion", found, err)
	}
	repo.commits[1] = at(path, completedAt(0))
	if _, err := Find(repo, "c2", []string{"001"}); !errors.Is(err, git.ErrShallow) {
		t.Errorf("got error %v, want ErrShallow: it may have been completed, and reverted, before", err)
	}
}
