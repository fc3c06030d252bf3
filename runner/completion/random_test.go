package completion

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chant/runner/git"
)

// Whatever the history, Find gives the same answers as the search that it
// replaced.
func TestFindAsBefore(t *testing.T) {
	t.Parallel()
	repo := newTestRepo(t)
	ids := []string{"001", "002", "003"}
	rapid.Check(t, func(rt *rapid.T) {
		m := &memory{commits: randomHistory(rt)}
		repo.shallow(t)
		m.hashes = repo.add(t, m.commits)
		if rapid.IntRange(0, 3).Draw(rt, "shallow") == 0 {
			m.cut = rapid.SliceOfN(rapid.SampledFrom(m.hashes), 1, 3).Draw(rt, "cut")
			repo.shallow(t, m.cut...)
		}
		from := m.hashes[len(m.hashes)-1]
		found, err := Find(t.Context(), repo, from, ids, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			want, err := completions(m, from, []string{id})
			if err != nil && !errors.Is(err, git.ErrShallow) {
				t.Fatal(err)
			}
			got := found[id]
			if !errors.Is(got.Err, git.ErrShallow) && err != nil || got.Err != nil && err == nil {
				rt.Fatalf("%s: got error %v, want %v", id, got.Err, err)
			}
			if err == nil && (got.Commit != want[id].commit || !slices.Equal(got.Parents, want[id].parents)) {
				rt.Fatalf("%s: got %s, want %s of %s", id, got.Commit, want[id].commit, m.hashes)
			}
			if s := want[id].spec; err == nil && s != nil && s.Path != got.Path {
				rt.Fatalf("%s: got %s, want %s", id, got.Path, s.Path)
			}
		}
	})
}

func randomHistory(rt *rapid.T) []testCommit {
	var commits []testCommit
	number := func(label string) int { // of a commit, mostly a late one
		n := len(commits)
		return max(1, n-rapid.SampledFrom([]int{0, 0, 0, 0, 1, 1, 2, 3, 5, 8}).Draw(rt, label))
	}
	for range rapid.IntRange(1, 25).Draw(rt, "commits") {
		now := testCommit{files: map[string]string{}, time: hour(len(commits) + rapid.SampledFrom([]int{1, 1, 1, 1, 1, -2, 4}).Draw(rt, "time"))}
		if len(commits) > 0 {
			first := number("first")
			now.parents = []int{first}
			now.files = maps.Clone(commits[first-1].files)
		}
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(rt, "merged") {
			if other := number("other"); len(commits) > 0 && !slices.Contains(now.parents, other) {
				now.parents = append(now.parents, other)
				mergeFiles(rt, now.files, commits[other-1].files)
			}
		}
		for range rapid.SampledFrom([]int{0, 1, 1, 1, 2}).Draw(rt, "edits") {
			edit(rt, now.files, commits)
		}
		commits = append(commits, now)
	}
	return commits
}

func randomPath(rt *rapid.T) string {
	return rapid.SampledFrom([]string{".chant/specs/", ".chant/specs/", ".chant/archive/2026/", ".chant/archive/"}).Draw(rt, "folder") +
		rapid.SampledFrom([]string{"001", "002", "003"}).Draw(rt, "id") + ".md"
}

// copyFile makes name in files what it is in others.
func copyFile(files, others map[string]string, name string) {
	if text, ok := others[name]; ok {
		files[name] = text
	} else {
		delete(files, name)
	}
}

func mergeFiles(rt *rapid.T, files, others map[string]string) {
	names := slices.Collect(maps.Keys(files))
	names = slices.AppendSeq(names, maps.Keys(others))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if rapid.IntRange(0, 4).Draw(rt, "theirs") > 0 {
			copyFile(files, others, name)
		}
	}
}

// edit changes files as somebody might, or a revert of what somebody did.
func edit(rt *rapid.T, files map[string]string, commits []testCommit) {
	name := randomPath(rt)
	switch rapid.SampledFrom([]string{"write", "write", "write", "delete", "move", "move", "restore", "restore", "other"}).Draw(rt, "edit") {
	case "write":
		files[name] = randomSpec(rt)
	case "delete":
		delete(files, name)
	case "move":
		for _, from := range slices.Sorted(maps.Keys(files)) {
			if rapid.Bool().Draw(rt, "moved") {
				text := files[from]
				delete(files, from)
				files[name] = text
				return
			}
		}
	case "restore":
		if len(commits) == 0 {
			return
		}
		others := rapid.SampledFrom(commits).Draw(rt, "restored").files
		copyFile(files, others, name)
		if rapid.Bool().Draw(rt, "all") {
			clear(files)
			maps.Copy(files, others)
		}
	case "other":
		files["x"] = rapid.StringN(1, 3, 3).Draw(rt, "x")
	}
}

func randomSpec(rt *rapid.T) string {
	return rapid.SampledFrom([]string{
		withStatus("pending"), withStatus("pending") + criteria, withStatus("completed"), withStatus("completed") + criteria,
		withStatus("completed") + criteria + "- [ ] More\n", "---\nstatus: completed\n---\n" + criteria,
		completedAt(2), completedAt(5), completedAt(5) + "- [x] More\n", completedAt(9), completedAt(9) + "\nmore\n", completedAt(14),
	}).Draw(rt, "spec")
}
