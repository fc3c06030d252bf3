package record

import (
	"testing"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	with := func(outcomes ...Outcome) Verified {
		var v Verified
		for _, o := range outcomes {
			v.Criteria = append(v.Criteria, Result{Outcome: o})
		}
		return v
	}
	finding := func(v Verified, rule string) Verified {
		v.Findings = append(v.Findings, Finding{Rule: rule})
		return v
	}
	unreadable := Verified{Error: "spec 1: bad"}
	unproven := finding(with(Held, Unattested), RuleUnproven)
	for _, tt := range []struct {
		name         string
		specs        []Verified
		want, strict Verdict
	}{
		{"none", nil, Nothing, Nothing},
		{"held", []Verified{with(Held)}, AllHeld, AllHeld},
		{"attested", []Verified{with(Attested)}, AllHeld, AllHeld},
		{"missed", []Verified{with(Held, NotHeld)}, Failed, Failed},
		{"no test", []Verified{with(NoTest)}, Failed, Failed},
		{"timed out", []Verified{with(TimedOut)}, Failed, Failed},
		{"interrupted", []Verified{with(Interrupted)}, Failed, Failed},
		{"unproven beside held", []Verified{unproven}, AllHeld, Failed},
		{"only unproven", []Verified{finding(with(Unattested), RuleUnproven)}, Nothing, Failed},
		{"unticked", []Verified{finding(with(Held), RuleUnticked)}, Failed, Failed},
		{"changed", []Verified{finding(with(Held), RuleChanged)}, Failed, Failed},
		{"uncommitted", []Verified{finding(with(Held), RuleUncommitted)}, Failed, Failed},
		{"a group alone", []Verified{with()}, Nothing, Nothing},
		{"a group beside held", []Verified{with(), with(Held)}, AllHeld, AllHeld},
		{"no criteria", []Verified{finding(with(), RuleNoCriteria)}, Nothing, Nothing},
		{"no criteria beside held", []Verified{with(Held), finding(with(), RuleNoCriteria)}, Nothing, Nothing},
		{"unreadable", []Verified{unreadable}, Invalid, Invalid},
		{"unreadable beside held", []Verified{with(Held), unreadable}, Invalid, Invalid},
		{"unreadable and none", []Verified{unreadable, finding(with(), RuleNoCriteria)}, Invalid, Invalid},
		{"missed and unreadable", []Verified{with(NotHeld), unreadable}, Invalid, Invalid},
		{"history is missing", []Verified{finding(with(Held), RuleShallow)}, AllHeld, Broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := Verification{Specs: tt.specs}
			if got := v.Verdict(false); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := v.Verdict(true); got != tt.strict {
				t.Errorf("strict: got %s, want %s", got, tt.strict)
			}
		})
	}
}
