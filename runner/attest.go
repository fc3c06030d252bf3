package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chant/spec"
)

// Attest records the committer's attestation for the manual criteria with these numbers, and
// ticks them. It records all or none.
func (e *Engine) Attest(ctx context.Context, s *spec.Spec, numbers []int, note string) ([]spec.Criterion, error) {
	var attested []spec.Criterion
	err := e.record(ctx, s, func(src []byte, now *spec.Spec, by string, at time.Time) ([]byte, error) {
		list, err := manual(now, numbers)
		if err != nil {
			return nil, err
		}
		attested = list
		return attest(src, now, list, spec.Attestation{By: by, At: at, Note: note})
	})
	if err != nil {
		return nil, fmt.Errorf("attesting spec %s: %w", s.ID, err)
	}
	return attested, nil
}

// manual returns the manual criteria with these numbers.
func manual(s *spec.Spec, numbers []int) ([]spec.Criterion, error) {
	var list []spec.Criterion
	for _, n := range numbers {
		if n < 1 || n > len(s.Criteria) {
			return nil, usage("chant show "+s.ID+" shows them", "no criterion %d: spec %s has %d", n, s.ID, len(s.Criteria))
		}
		c := s.Criteria[n-1]
		if !c.Manual() {
			return nil, usage("chant run "+s.ID+" runs the check", "criterion %d has a check, so it can't be attested", n)
		}
		list = append(list, c)
	}
	return list, nil
}

// attest adds an attestation and a tick for each criterion to src. It replaces an earlier
// attestation of the same criterion.
func attest(src []byte, s *spec.Spec, criteria []spec.Criterion, attestation spec.Attestation) ([]byte, error) {
	attested := s.Attested
	ticks := map[int]bool{}
	for _, c := range criteria {
		attested = slices.DeleteFunc(slices.Clone(attested), func(a spec.Attestation) bool { return a.Criterion == c.Text })
		attestation.Criterion = c.Text
		attested = append(attested, attestation)
		ticks[c.Number] = true
	}
	src, err := spec.SetKey(src, "attested", attested)
	if err != nil {
		return nil, err
	}
	return spec.SetTicks(src, ticks)
}
