package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chant/runner/project"
	"chant/spec"
)

// Attest records that the committer vouches for the manual criteria with these
// numbers, and ticks them. All are recorded, or none.
func (e *Engine) Attest(ctx context.Context, s *spec.Spec, numbers []int, note string) ([]spec.Criterion, error) {
	var vouched []spec.Criterion
	err := e.record(ctx, s, func(src []byte, now *spec.Spec, by string, at time.Time) ([]byte, error) {
		list, err := manual(now, numbers)
		if err != nil {
			return nil, err
		}
		vouched = list
		return attest(src, now, list, spec.Attestation{By: by, At: at, Note: note})
	})
	if err != nil {
		return nil, fmt.Errorf("attesting spec %s: %w", s.ID, err)
	}
	return vouched, nil
}

// manual picks the manual criteria with these numbers.
func manual(s *spec.Spec, numbers []int) ([]spec.Criterion, error) {
	var list []spec.Criterion
	for _, n := range numbers {
		if n < 1 || n > len(s.Criteria) {
			return nil, &project.UsageError{Msg: fmt.Sprintf("no criterion %d: spec %s has %d", n, s.ID, len(s.Criteria)), Mend: "chant show " + s.ID + " numbers them"}
		}
		c := s.Criteria[n-1]
		if !c.Manual() {
			return nil, &project.UsageError{Msg: fmt.Sprintf("criterion %d is decided by its check: nobody's word can tick it", n), Mend: "chant run " + s.ID + " runs the check"}
		}
		list = append(list, c)
	}
	return list, nil
}

// attest gives src with one attestation and one tick for each criterion; an
// earlier word for the same criterion is replaced.
func attest(src []byte, s *spec.Spec, criteria []spec.Criterion, word spec.Attestation) ([]byte, error) {
	attested := s.Attested
	ticks := map[int]bool{}
	for _, c := range criteria {
		attested = slices.DeleteFunc(slices.Clone(attested), func(a spec.Attestation) bool { return a.Criterion == c.Text })
		word.Criterion = c.Text
		attested = append(attested, word)
		ticks[c.Number] = true
	}
	src, err := spec.SetKey(src, "attested", attested)
	if err != nil {
		return nil, err
	}
	return spec.SetTicks(src, ticks)
}
