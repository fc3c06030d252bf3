package completion

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
)

const (
	one = ".chant/specs/001.md"
	two = ".chant/specs/002.md"
	old = ".chant/archive/2026/001.md"
)

// trees are the files of commits.
type trees []map[string]string

// find makes a history and returns the numbers of the commits that completed
// specs, looking back from its last one; 0 where a shallow clone hides it.
func find(t *testing.T, commits []testCommit, ids ...string) map[string]int {
	t.Helper()
	repo := newTestRepo(t)
	hashes := repo.add(t, commits)
	return findIn(t, repo, hashes, len(hashes), ids...)
}

func findIn(t *testing.T, repo *testRepo, hashes []git.Hash, from int, ids ...string) map[string]int {
	t.Helper()
	found, err := Find(t.Context(), repo, hashes[from-1], ids, "")
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]int{}
	for id, c := range found {
		if c.Err != nil && !errors.Is(c.Err, git.ErrShallow) {
			t.Errorf("%s: got error %v, want ErrShallow", id, c.Err)
		}
		numbers[id] = slices.Index(hashes, c.Commit) + 1
	}
	return numbers
}

func TestFind(t *testing.T) {
	t.Parallel()
	open, done := withStatus("pending"), withStatus("completed")
	for _, tt := range []struct {
		name  string
		trees trees
		want  map[string]int // id → commit
	}{
		{"completed", trees{at(one, open), at(one, done), at(one, done, "x", "1")}, map[string]int{"001": 2}},
		{"born completed", trees{at("x", "1"), at(one, done), at(one, done)}, map[string]int{"001": 2}},
		{"since the root", trees{at(one, done), at(one, done)}, map[string]int{"001": 1}},
		{"never", trees{at(one, open), at(one, open, two, done)}, map[string]int{"002": 2}},
		{"reopened", trees{at(one, done), at(one, open)}, map[string]int{}},
		{"completed again", trees{at(one, done), at(one, open), at(one, done), at(one, done, "x", "1")}, map[string]int{"001": 3}},
		{"deleted and back", trees{at(one, done), at("x", "1"), at(one, done)}, map[string]int{"001": 3}},
		{"reverted and landed again",
			trees{at(one, open), at(one, completedAt(2)), at(one, open), at(one, open, "x", "1"), at(one, completedAt(2))},
			map[string]int{"001": 2}},
		{"reverted with its file", trees{at("x", "1"), at(one, completedAt(2)), at("x", "1"), at(one, completedAt(2))}, map[string]int{"001": 2}},
		{"reverted twice",
			trees{at(one, completedAt(1)), at(one, open), at(one, completedAt(1)), at(one, open), at(one, completedAt(1))},
			map[string]int{"001": 1}},
		{"landed again elsewhere", trees{at(one, completedAt(1)), at(one, open), at(old, completedAt(1))}, map[string]int{"001": 1}},
		{"landed again under another name",
			trees{at(two, completedAt(1)), at("x", "1"), at("x", "2"), at(one, completedAt(1))}, map[string]int{"001": 1}},
		{"landed again, reverted with its file and its name",
			trees{at(two, completedAt(1)), at("x", "1"), at(one, open), at("x", "1"), at(one, completedAt(1))}, map[string]int{"001": 1}},
		{"a namesake while the spec itself was open",
			trees{at(two, completedAt(1)), at(one, open, two, completedAt(1)), at(one, open), at("x", "1"), at("x", "2"), at(one, completedAt(1))},
			map[string]int{"001": 6}},
		{"said under another name before it could be",
			trees{at(two, completedAt(4)), at("x", "1"), at("x", "2"), at(one, completedAt(4))}, map[string]int{"001": 4}},
		{"other criteria under another name",
			trees{at(two, completedAt(1)+"- [x] More\n"), at("x", "1"), at("x", "2"), at(one, completedAt(1))}, map[string]int{"001": 4}},
		{"another time under another name", trees{at(two, completedAt(1)), at("x", "1"), at(one, completedAt(2))}, map[string]int{"001": 3}},
		{"reverted", trees{at(one, completedAt(1)), at(one, open)}, map[string]int{}},
		{"reopened, completed at another time", trees{at(one, completedAt(1)), at(one, open), at(one, completedAt(3))}, map[string]int{"001": 3}},
		{"reopened, that reverted and landed again",
			trees{at(one, completedAt(1)), at(one, open), at(one, completedAt(3)), at(one, open), at(one, completedAt(3))},
			map[string]int{"001": 3}},
		{"reopened, and rebased later", trees{at(one, completedAt(-2)), at(one, open), at(one, completedAt(-1))}, map[string]int{"001": 3}},
		{"reopened with other criteria",
			trees{at(one, completedAt(1)), at(one, open), at(one, completedAt(1)+"- [x] More\n")}, map[string]int{"001": 3}},
		{"said before it could be", trees{at(one, completedAt(3)), at(one, open), at(one, completedAt(3))}, map[string]int{"001": 3}},
		{"archived later", trees{at(one, open), at(one, done), at(old, done)}, map[string]int{"001": 2}},
		{"archived by a copy", trees{at(one, open), at(one, done), at(one, done, old, done), at(old, done)}, map[string]int{"001": 2}},
		{"edited after completion", trees{at(one, open), at(one, done), at(one, done+"\nmore")}, map[string]int{"001": 2}},
		{"squashed", trees{at("x", "1"), at(one, done, two, done, "x", "2")}, map[string]int{"001": 2, "002": 2}},
		{"each its own", trees{at(one, done, two, open), at(one, done, two, done)}, map[string]int{"001": 1, "002": 2}},
		{"a live spec wins over its archived namesake", trees{at(one, open, old, done)}, map[string]int{}},
		{"spelled in another way", trees{at(one, open), at(one, withStatus(`"\x63ompleted"`))}, map[string]int{"001": 2}},
		{"completed by its text alone", trees{at(one, open+"\ncompleted\n")}, map[string]int{}},
		{"no specs at all", trees{at("x", "1"), at("x", "2")}, map[string]int{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, find(t, line(tt.trees...), "001", "002", "404")); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindFromNoCommit(t *testing.T) {
	t.Parallel()
	repo := newTestRepo(t)
	found, err := Find(t.Context(), repo, "", []string{"001"}, "")
	if err != nil || len(found) != 0 || len(repo.calls) != 0 {
		t.Errorf("got %v, error %v, git commands %v", found, err, repo.calls)
	}
}

// What counts is the spec as its completion commit holds it.
func TestFindReturnsTheSpecOfTheCommit(t *testing.T) {
	t.Parallel()
	repo := newTestRepo(t)
	then := withStatus("completed") + criteria
	hashes := repo.add(t, line(at("p/q/"+one, withStatus("pending")), at("p/q/"+one, then), at("p/q/"+old, then+"- [x] Added\n")))
	found, err := Find(t.Context(), repo, hashes[2], []string{"001"}, "p/q")
	if err != nil {
		t.Fatal(err)
	}
	c := found["001"]
	if c.Commit != hashes[1] || !slices.Equal(c.Parents, hashes[:1]) {
		t.Errorf("got commit %s with parents %s", c.Commit, c.Parents)
	}
	if c.Blob != repo.blob(then) || c.Current != repo.blob(then+"- [x] Added\n") {
		t.Errorf("got blobs %s and %s", c.Blob, c.Current)
	}
	sp, err := c.Spec(repo)
	if err != nil || c.Path != one || sp.Path != one || len(sp.Criteria) != 1 || sp.Archived {
		t.Errorf("got %s, error %v, archived %v, with criteria %v", sp.Path, err, sp.Archived, sp.Criteria)
	}
}

func TestFindThroughMerges(t *testing.T) {
	t.Parallel()
	open, done := withStatus("pending"), withStatus("completed")
	repo := newTestRepo(t)
	hashes := repo.add(t, merged(line(
		at(one, open),                       // 1, on main
		at(one, done),                       // 2, on the branch
		at(one, done, two, done),            // 3, on the branch
		at(one, open, "x", "1"),             // 4, on main, after 1
		at(one, done, two, done, "x", "1"),  // 5 merges 3 into 4
		at(one, done, two, done, "x", "2"),  // 6, on main
		at(one, done, "x", "1"),             // 7, another branch, after 2
		at(one, done, two, done, "x", "21"), // 8 merges 7 into 6
	), map[int][]int{4: {1}, 5: {4, 3}, 7: {2}, 8: {6, 7}}))
	for _, from := range []int{3, 5, 6, 8} {
		got := findIn(t, repo, hashes, from, "001", "002")
		if diff := cmp.Diff(map[string]int{"001": 2, "002": 3}, got); diff != "" {
			t.Errorf("from %d (-want +got):\n%s", from, diff)
		}
	}
}

// A merge that was reverted, and the revert reverted.
func TestFindRelandedMerge(t *testing.T) {
	t.Parallel()
	open, done := withStatus("pending"), completedAt(2)
	got := find(t, merged(line(
		at(one, open),           // 1, on main
		at(one, done),           // 2, on the branch
		at(one, open, "x", "1"), // 3, on main, after 1
		at(one, done, "x", "1"), // 4 merges 2 into 3
		at(one, open, "x", "1"), // 5 reverts 4
		at(one, done, "x", "1"), // 6 reverts 5
	), map[int][]int{3: {1}, 4: {3, 2}}), "001")
	if got["001"] != 2 {
		t.Errorf("got %d, want 2", got["001"])
	}
}

// Of several branches that brought a spec in, the one merged last counts, and each
// is asked for the name that the spec has at the merge.
func TestFindInOctopusMerges(t *testing.T) {
	t.Parallel()
	done := withStatus("completed") + criteria
	repo := newTestRepo(t)
	hashes := repo.add(t, merged(line(
		at("x", "1"),               // 1, on main
		at(two, done),              // 2, on a branch
		at(one, done),              // 3, on that branch, renames it
		at(two, done+"- [x] More"), // 4, on another branch
		at(one, done, "x", "2"),    // 5 merges 3 and 4 into 1
		at(one, done),              // 6, on a third branch
		at(one, done, "x", "3"),    // 7 merges 3 and 6 into 1
	), map[int][]int{4: {1}, 5: {1, 3, 4}, 6: {1}, 7: {1, 3, 6}}))
	for from, want := range map[int]int{5: 2, 7: 6} {
		if got := findIn(t, repo, hashes, from, "001"); got["001"] != want {
			t.Errorf("from %d: got %d, want %d", from, got["001"], want)
		}
	}
}

// Where each merge took the other side for its own, every line is as short as
// can be and merges are nested. The number of git commands must not grow with
// them.
func TestFindInNestedMerges(t *testing.T) {
	t.Parallel()
	commits := line(at("x", "0"), at("x", "0", one, withStatus("completed")))
	for last := 2; len(commits) < 100; last = len(commits) {
		commits = append(commits, testCommit{files: at("x", "0"), parents: []int{1}, time: hour(last + 1)},
			testCommit{files: at("x", "0", one, withStatus("completed")), parents: []int{last + 1, last}, time: hour(last + 2)})
	}
	repo := newTestRepo(t)
	hashes := repo.add(t, commits)
	if got := findIn(t, repo, hashes, len(hashes), "001"); got["001"] != 2 {
		t.Errorf("got %d, want 2", got["001"])
	}
	if len(repo.calls) > 3 {
		t.Errorf("git was run %d times: %v", len(repo.calls), repo.calls)
	}
}

func TestFindRenamedSpecs(t *testing.T) {
	t.Parallel()
	const was, is = ".chant/specs/old.md", ".chant/specs/new.md"
	open, done := withStatus("pending")+criteria, withStatus("completed")+criteria
	for _, tt := range []struct {
		name  string
		trees trees
		want  int
	}{
		{"renamed", trees{at(was, open), at(was, done), at(is, done), at(is, done, "x", "1")}, 2},
		{"renamed, then edited", trees{at(was, open), at(was, done), at(is, done), at(is, done+"- [ ] More\n")}, 2},
		{"renamed twice", trees{at(was, done), at(".chant/specs/mid.md", done), at(is, done)}, 1},
		{"renamed as it was completed", trees{at(was, open), at(is, done)}, 2},
		{"renamed as another was deleted", trees{at(was, done, one, open), at(is, done)}, 1},
		{"one of two, the first by id", trees{at(was, done), at(was, done, one, done), at(is, done)}, 2},
		{"another that stays", trees{at(was, done), at(was, done, is, done)}, 2},
		{"other criteria", trees{at(was, done+"- [ ] More\n"), at(is, done)}, 2},
		{"no criteria", trees{at(was, withStatus("completed")), at(is, withStatus("completed"))}, 2},
	} {
		if got := find(t, line(tt.trees...), "new")["new"]; got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestFindReadsNoBlobTwice(t *testing.T) {
	t.Parallel()
	done := withStatus("completed")
	repo := newTestRepo(t)
	hashes := repo.add(t, line(
		at(one, withStatus("pending")), at(one, done+"1"), at(one, done+"2"), at(one, done+"2", "x", "2"), at(old, done+"2"),
		at(old, done+"2", two, done),
	))
	if got := findIn(t, repo, hashes, 5, "001"); got["001"] != 2 {
		t.Errorf("got %d, want 2", got["001"])
	}
	want := []git.Hash{repo.blob(done + "2"), repo.blob(done + "1"), repo.blob(withStatus("pending"))}
	if diff := cmp.Diff(want, repo.read); diff != "" {
		t.Errorf("blobs read (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"rev-list", "rev-list", "diff-tree"}, repo.calls); diff != "" {
		t.Errorf("git commands (-want +got):\n%s", diff)
	}
}

// Each id has an answer of its own: 002 does not need what the clone lacks.
func TestFindInAShallowClone(t *testing.T) {
	t.Parallel()
	open, done := withStatus("pending"), withStatus("completed")
	for _, tt := range []struct {
		name  string
		trees trees
		cut   int
		want  map[string]int
	}{
		{"completed at the end or before",
			trees{at(), at(one, done, two, open), at(one, done, two, done)}, 2, map[string]int{"001": 0, "002": 3}},
		{"a gap older than the completion", trees{at(), at(one, open), at(one, completedAt(3))}, 2, map[string]int{"001": 3}},
		{"completed and reverted before, maybe",
			trees{at(), at(one, open, two, done), at(one, completedAt(1), two, open)}, 2, map[string]int{"001": 0}},
		{"the end is the root", trees{at(one, done), at(one, done, two, done)}, 1, map[string]int{"001": 1, "002": 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			repo := newTestRepo(t)
			hashes := repo.add(t, line(tt.trees...))
			repo.shallow(t, hashes[tt.cut-1])
			if diff := cmp.Diff(tt.want, findIn(t, repo, hashes, len(hashes), "001", "002")); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
		})
	}
}

// Replaced and grafted commits are seen as they were made.
func TestFindIgnoresReplacements(t *testing.T) {
	t.Parallel()
	open, done := withStatus("pending"), withStatus("completed")
	repo := newTestRepo(t)
	hashes := repo.add(t, line(at(one, open), at(one, done), at(one, done, "x", "1"), at(one, done, "x", "2")))
	repo.git(t, "", "replace", string(hashes[1]), string(hashes[0]))
	file := filepath.Join(repo.dir, "info", "grafts")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(hashes[2]+"\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if got := findIn(t, repo, hashes, 4, "001"); got["001"] != 2 {
		t.Errorf("got %d, want 2", got["001"])
	}
}

// A folder's name stands for itself, also where git could take it for a pattern.
func TestFindBelowAnOddPrefix(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{":a", "*", `"é"`} {
		repo := newTestRepo(t)
		done := withStatus("completed")
		hashes := repo.add(t, line(at("p/"+one, done), at("p/"+one, done, prefix+"/"+one, done)))
		found, err := Find(t.Context(), repo, hashes[1], []string{"001"}, prefix)
		if err != nil || found["001"].Commit != hashes[1] || found["001"].Path != one {
			t.Errorf("%s: got %+v, error %v, want commit %s", prefix, found["001"], err, hashes[1])
		}
	}
}

func TestFindReportsMissingBlobs(t *testing.T) {
	t.Parallel()
	repo := newTestRepo(t)
	hashes := repo.add(t, line(at(one, withStatus("completed"))))
	clear(repo.blobs)
	if _, err := Find(t.Context(), repo, hashes[0], []string{"001"}, ""); err == nil || !strings.Contains(err.Error(), one) {
		t.Errorf("got error %v, want one that names %s", err, one)
	}
	if _, err := Find(t.Context(), repo, git.Hash(strings.Repeat("1", 40)), []string{"001"}, ""); err == nil {
		t.Error("got no error for a commit that does not exist")
	}
}
