package verify

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chant/runner/project"
	"chant/spec"
)

func TestParseShard(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Shard{"1/1": {1, 1}, "1/4": {1, 4}, "4/4": {4, 4}} {
		if got, err := ParseShard(text); err != nil || got != want {
			t.Errorf("%q: got %v, error %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "/", "1/", "/4", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/2/3", "1 / 2", "99999999999999999999/1"} {
		_, err := ParseShard(text)
		if usage, ok := errors.AsType[*project.UsageError](err); !ok || usage.Hint() == "" {
			t.Errorf("%q: got error %v, want one with the right form", text, err)
		}
	}
}

func TestShardsDealEverySpecOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		specs := make([]*spec.Spec, rapid.IntRange(0, 30).Draw(t, "specs"))
		for i := range specs {
			specs[i] = &spec.Spec{ID: fmt.Sprintf("%03d", i)}
		}
		total := rapid.IntRange(1, 8).Draw(t, "total")
		var dealt []*spec.Spec
		for i := range total {
			mine := (Shard{i + 1, total}).of(specs)
			if fair := len(specs) / total; len(mine) < fair || len(mine) > fair+1 {
				t.Errorf("shard %d/%d has %d of %d specs", i+1, total, len(mine), len(specs))
			}
			dealt = append(dealt, mine...)
		}
		slices.SortFunc(dealt, func(a, b *spec.Spec) int { return slices.Index(specs, a) - slices.Index(specs, b) })
		if !slices.Equal(specs, dealt) {
			t.Errorf("%d specs in, %d dealt", len(specs), len(dealt))
		}
	})
}
