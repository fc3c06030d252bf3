package prove

import (
	"fmt"
	"slices"
	"strings"

	"chant/runner/check"
	"chant/runner/project"
	"chant/spec"
)

// pair is a reproduction and a fix that depends on it.
type pair struct {
	reproduction, fix *spec.Spec
}

// name is the pair's in messages, and in the environment of its checks.
func (p pair) name() string { return p.reproduction.ID + ">" + p.fix.ID }

// redChecks gives the checks that show the bug: those that have to fail, and
// only in their phase.
func redChecks(s *spec.Spec) []check.Group {
	return slices.DeleteFunc(check.Groups(s), func(u check.Group) bool {
		return !u.Check.ExpectFail || u.Check.At != spec.AtPhase
	})
}

// pairs picks what is to be proven, in the order of the set. unfinished allows
// fixes that are not completed yet. The error is a *UsageError where what was
// asked for can't be a proof, and ErrNothingToProve where nothing is there.
func pairs(set *spec.Set, reproduction, fix string, unfinished bool) ([]pair, error) {
	if fix != "" {
		p, err := namedPair(set, reproduction, fix)
		return []pair{p}, err
	}
	var list []pair
	if reproduction != "" {
		r, err := set.Resolve(reproduction)
		if err != nil {
			return nil, err
		}
		if err := isReproduction(r); err != nil {
			return nil, err
		}
		list = pairsOf(set, r, unfinished)
		if len(list) == 0 {
			kind := "completed "
			if unfinished {
				kind = ""
			}
			return nil, fmt.Errorf("%w: no %sfix depends on spec %s (chant prove REPRO FIX names one; --worktree proves one that is not completed)",
				ErrNothingToProve, kind, r.ID)
		}
		return list, nil
	}
	for _, r := range set.Order() {
		if r.Status == spec.StatusCompleted && len(redChecks(r)) > 0 {
			list = append(list, pairsOf(set, r, unfinished)...)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: no completed spec has an expect=fail check and a fix that depends on it", ErrNothingToProve)
	}
	return list, nil
}

func namedPair(set *spec.Set, reproduction, fix string) (pair, error) {
	r, err := set.Resolve(reproduction)
	if err != nil {
		return pair{}, err
	}
	f, err := set.Resolve(fix)
	if err != nil {
		return pair{}, err
	}
	if err := isReproduction(r); err != nil {
		return pair{}, err
	}
	if !slices.Contains(dependents(set, r), f) {
		return pair{}, &project.UsageError{
			Msg:  fmt.Sprintf("spec %s does not depend on spec %s, so it is no fix of what that reproduces", f.ID, r.ID),
			Mend: "add " + r.ID + " to its depends_on, or name another fix",
		}
	}
	return pair{r, f}, nil
}

func isReproduction(s *spec.Spec) error {
	switch {
	case s.Status != spec.StatusCompleted:
		return fmt.Errorf("%w: spec %s is not completed, so it has shown no bug yet (chant run %s)", ErrNothingToProve, s.ID, s.ID)
	case len(redChecks(s)) == 0:
		return &project.UsageError{
			Msg:  fmt.Sprintf("spec %s has no check with expect=fail, so it reproduces nothing", s.ID),
			Mend: `write the failing command as a "sh check expect=fail match=…"`,
		}
	}
	return nil
}

// pairsOf gives the fixes of one reproduction: of what depends on it, the specs
// of the phase "fix"; where no spec has that phase, code that names its target
// files and reproduces nothing itself.
func pairsOf(set *spec.Set, r *spec.Spec, unfinished bool) []pair {
	var byPhase, byType []pair
	phased := false
	for _, s := range dependents(set, r) {
		phased = phased || s.Phase == "fix"
		if s.Status != spec.StatusCompleted && !unfinished {
			continue
		}
		switch {
		case s.Phase == "fix":
			byPhase = append(byPhase, pair{r, s})
		case s.Phase == "" && s.Type == "code" && len(s.TargetFiles) > 0 && len(redChecks(s)) == 0:
			byType = append(byType, pair{r, s})
		}
	}
	if phased {
		return byPhase
	}
	return byType
}

// dependents gives what depends on s, directly or through others, in the order
// of the set.
func dependents(set *spec.Set, s *spec.Spec) []*spec.Spec {
	reached := map[*spec.Spec]bool{}
	for queue := []*spec.Spec{s}; len(queue) > 0; queue = queue[1:] {
		for _, d := range set.Dependents(queue[0]) {
			if d != s && !reached[d] {
				reached[d] = true
				queue = append(queue, d)
			}
		}
	}
	return slices.DeleteFunc(set.Order(), func(d *spec.Spec) bool { return !reached[d] })
}

// provingVariable names, in the environment of a proof's checks, the proofs
// under way further up.
const provingVariable = "CHANT_PROVING"

// underWay gives the pairs that the environment names.
func underWay(env []string) []string {
	for _, entry := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(entry, provingVariable+"="); ok {
			return strings.Split(value, "/") // which no id holds
		}
	}
	return nil
}

// withProving gives env with one more proof under way; ErrProving where that
// proof is under way already.
func withProving(env []string, p pair) ([]string, error) {
	under := underWay(env)
	if slices.Contains(under, p.name()) {
		return nil, fmt.Errorf("proving %s by %s: %w", p.fix.ID, p.reproduction.ID, ErrProving)
	}
	return append(slices.Clip(env), provingVariable+"="+strings.Join(append(under, p.name()), "/")), nil
}
