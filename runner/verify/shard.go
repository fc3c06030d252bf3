package verify

import (
	"fmt"
	"strconv"
	"strings"

	"chant/runner/project"
	"chant/spec"
)

// Shard is one of several parts of a verification. The zero Shard is the whole.
type Shard struct {
	Index int // from 1
	Total int
}

// ParseShard parses "I/N", with 1 ≤ I ≤ N. The error is a *project.UsageError.
func ParseShard(text string) (Shard, error) {
	index, total, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(total)
	if !ok || err != nil || err2 != nil || i < 1 || i > n {
		return Shard{}, &project.UsageError{Msg: fmt.Sprintf("invalid shard %q", text), Mend: "write I/N, such as 1/4"}
	}
	return Shard{Index: i, Total: n}, nil
}

// of returns the specs of the shard. Neighbouring specs, which often take the same time, are
// in different shards.
func (s Shard) of(specs []*spec.Spec) []*spec.Spec {
	if s.Total <= 1 {
		return specs
	}
	var mine []*spec.Spec
	for i, one := range specs {
		if i%s.Total == s.Index-1 {
			mine = append(mine, one)
		}
	}
	return mine
}
