package completion

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
	"time"

	"chant/runner/git"
)

// BenchmarkFind finds the completions of specs that were each completed by a
// commit of their own. "own-ms/op" is the CPU time of this process alone, without
// that of git.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{200, 2000} {
		for name, merges := range map[string]bool{"line": false, "merges": true} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				repo := newTestRepo(b)
				from, ids := repo.addMany(b, n, merges)
				var used time.Duration
				for b.Loop() {
					repo.read, repo.calls = nil, nil
					before := ownTime(b)
					found, err := Find(b.Context(), repo, from, ids, "")
					used += ownTime(b) - before
					if err != nil || len(found) != n {
						b.Fatalf("found %d, error %v", len(found), err)
					}
				}
				b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "own-ms/op")
				b.ReportMetric(float64(len(repo.calls)), "git-commands/op")
			})
		}
	}
}

func ownTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// addMany makes a history of n specs. A commit writes each and the next one
// completes it; with merges, both are on a branch that is then merged.
func (r *testRepo) addMany(tb testing.TB, n int, merges bool) (git.Hash, []string) {
	tb.Helper()
	var stream bytes.Buffer
	number := 0
	commit := func(files map[string]string, parents ...int) int {
		number++
		importCommit(&stream, number, testCommit{parents: parents, time: hour(number)})
		for name, text := range files {
			r.blob(text)
			importFile(&stream, name, text)
		}
		return number
	}
	main := commit(at("x", "1"))
	var ids []string
	for i := range n {
		id := fmt.Sprintf("%04d", i)
		ids = append(ids, id)
		name := ".chant/specs/" + id + ".md"
		open, done := manySpec(i, "pending"), manySpec(i, "completed\ncompleted_at: "+hour(number+2).Format(time.RFC3339))
		branch := commit(at(name, open), main)
		branch = commit(at(name, done), branch)
		if merges {
			branch = commit(at(name, done), main, branch)
		}
		main = branch
	}
	hashes := r.fastImport(tb, &stream)
	return hashes[main-1], ids
}

func manySpec(i int, state string) string {
	return fmt.Sprintf(`---
type: bug
bug: %d
phase: fix
status: %s
depends_on: ["%04d"]
target_files:
  - src/part%d.go
---
# Part %d fails where it should not

What is known about it, in some lines of text, so that the file is about as long
as most are. What was seen, where, and how often; what was tried, and what came
of it.

## Acceptance Criteria

- [x] The test passes %d
  `+"```sh check\n  go test -run TestPart ./...\n  ```"+`
- [x] The others do, too
  `+"```sh check\n  go test ./...\n  ```\n", i, state, i, i, i, i)
}
