package completion

import (
	"testing"

	"pgregory.net/rapid"
)

// The chains lead where going from parent to parent does.
func TestHas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var h history
		for range rapid.IntRange(1, 200).Draw(rt, "commits") {
			c := &commit{}
			if n := len(h.order); n > 0 {
				c.first = h.order[max(0, n-rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 9}).Draw(rt, "parent"))]
				c.depth = c.first.depth + 1
			}
			h.order = append(h.order, c)
		}
		h.findChains()
		from, other := rapid.SampledFrom(h.order).Draw(rt, "from"), rapid.SampledFrom(h.order).Draw(rt, "other")
		var want bool
		for c := from; c != nil; c = c.first {
			want = want || c == other
		}
		if got := from.has(other); got != want {
			rt.Errorf("got %v, want %v", got, want)
		}
	})
}
