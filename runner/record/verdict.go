package record

// Verdicts of a verification, beside AllHeld and Failed.
const (
	Invalid Verdict = "invalid" // a spec could not be read
	Nothing Verdict = "nothing" // nothing was there to decide something
)

// Verdict sums the verification up. Where strict is set, a criterion that is
// ticked, has no check and nobody vouched for counts as not held.
func (v Verification) Verdict(strict bool) Verdict {
	verdict, proven := AllHeld, 0
	for _, s := range v.Specs {
		one := s.Verdict(strict)
		if one == AllHeld {
			proven += s.Proven()
		}
		verdict = worse(verdict, one)
	}
	if verdict == AllHeld && proven == 0 {
		return Nothing
	}
	return verdict
}

// Verdict sums up what was found of one spec.
func (s Verified) Verdict(strict bool) Verdict {
	verdict, shallow := AllHeld, false
	if s.Error != "" {
		return Invalid
	}
	for _, f := range s.Findings {
		switch {
		case f.Rule == RuleShallow: // it counts where a check needed that history
			shallow = true
		case f.Rule == RuleNoCriteria:
			verdict = worse(verdict, Nothing)
		case f.Rule != RuleUnproven || strict:
			verdict = worse(verdict, Failed)
		}
	}
	for _, r := range s.Criteria {
		switch {
		case r.Outcome.Met() || r.Outcome == Unattested:
		case shallow && r.Outcome == NotStarted:
			verdict = worse(verdict, Broken)
		default:
			verdict = worse(verdict, Failed)
		}
	}
	return verdict
}

// Proven counts the criteria that were shown to hold, by a check that ran or by
// a person's word.
func (s Verified) Proven() int {
	n := 0
	for _, r := range s.Criteria {
		if r.Outcome.Met() {
			n++
		}
	}
	return n
}

// worse gives the verdict that outweighs the other. What did not hold is the
// most important thing to say; that a spec can't be read comes next.
func worse(a, b Verdict) Verdict {
	rank := func(v Verdict) int {
		switch v {
		case Failed:
			return 4
		case Invalid:
			return 3
		case Broken:
			return 2
		case Nothing:
			return 1
		}
		return 0
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}
