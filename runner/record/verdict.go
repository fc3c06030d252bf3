package record

import "slices"

// Verdicts of a verification, besides AllHeld and Failed.
const (
	Invalid Verdict = "invalid" // a spec could not be read
	Nothing Verdict = "nothing" // no criterion was shown to hold or not to hold
)

// Verdict sums up the verification. If strict is set, minor findings count too, such as
// a ticked criterion without a check and without an attestation.
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

// Verdict sums up the result of one spec.
func (s Verified) Verdict(strict bool) Verdict {
	verdict, shallow := AllHeld, false
	if s.Error != "" {
		return Invalid
	}
	for _, f := range s.Findings {
		switch {
		case f.Rule == RuleShallow: // without strict it counts only if a check needed that history
			if shallow = true; strict {
				verdict = worse(verdict, Broken)
			}
		case f.Rule == RuleNoCriteria:
			verdict = worse(verdict, Nothing)
		case !f.Minor() || strict:
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

// Missed reports whether a check ran to its end and did not hold.
func (v Verification) Missed() bool {
	return slices.ContainsFunc(v.Specs, func(s Verified) bool {
		return slices.ContainsFunc(s.Criteria, func(r Result) bool {
			return !r.Outcome.Met() && r.Outcome != Unattested && r.Outcome != NotStarted && r.Outcome != Interrupted
		})
	})
}

// Proven returns the number of criteria that a check or an attestation shows to hold.
func (s Verified) Proven() int {
	n := 0
	for _, r := range s.Criteria {
		if r.Outcome.Met() {
			n++
		}
	}
	return n
}

// worse returns the worse verdict. Invalid is the worst, before Failed.
func worse(a, b Verdict) Verdict {
	for _, worst := range []Verdict{Invalid, Failed, Broken, Nothing} {
		if a == worst || b == worst {
			return worst
		}
	}
	return a
}
