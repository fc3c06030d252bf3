package completion

import (
	"testing"

	"pgregory.net/rapid"
)

// The jumps lead where going from parent to parent does.
func TestLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var commits []*commit
		for range rapid.IntRange(1, 200).Draw(rt, "commits") {
			c := &commit{time: hour(rapid.IntRange(0, 50).Draw(rt, "time"))}
			if n := len(commits); n > 0 {
				c.first = commits[max(0, n-rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 9}).Draw(rt, "parent"))]
			}
			c.link()
			commits = append(commits, c)
		}
		from, other := rapid.SampledFrom(commits).Draw(rt, "from"), rapid.SampledFrom(commits).Draw(rt, "other")
		limit := hour(rapid.IntRange(0, 5).Draw(rt, "limit"))
		var has bool
		var before *commit
		for c := from; c != nil; c = c.first {
			has = has || c == other
			if before == nil && c.time.Before(limit) {
				before = c
			}
		}
		if got := from.has(other); got != has {
			rt.Errorf("has: got %v, want %v", got, has)
		}
		if got := from.madeBefore(limit); got != before {
			rt.Errorf("madeBefore: got %v, want %v", got, before)
		}
	})
}
