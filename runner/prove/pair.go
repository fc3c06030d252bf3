package prove

import (
	"fmt"
	"slices"
	"strings"

	"chant/runner/check"
	"chant/runner/completion"
	"chant/runner/process"
	"chant/runner/project"
	"chant/spec"
)

// pair is a reproduction and a fix that depends on it.
type pair struct {
	reproduction, fix *spec.Spec
}

// name names the pair in the environment of its checks.
func (p pair) name() string { return p.reproduction.ID + ">" + p.fix.ID }

// redChecks returns the checks that show the bug: those that have to fail, and
// only in their phase.
func redChecks(s *spec.Spec) []check.Group {
	return slices.DeleteFunc(check.Groups(s), func(g check.Group) bool {
		return !g.Check.ExpectFail || g.Check.At != spec.AtPhase
	})
}

// pairs selects what to prove, in the order of the set. Unfinished allows fixes
// that are not completed yet. The error is a *UsageError if the named specs are
// no reproduction and fix, and ErrNothingToProve if there are none.
func pairs(set *spec.Set, reproduction, fix string, unfinished bool) ([]pair, error) {
	if reproduction == "" {
		var list []pair
		for _, r := range set.Order() {
			if isReproduction(r) == nil {
				list = append(list, pairsOf(set, r, unfinished)...)
			}
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("%w: no completed spec has an expect=fail check and a fix that depends on it", ErrNothingToProve)
		}
		return list, nil
	}
	r, err := set.Resolve(reproduction)
	if err == nil {
		err = isReproduction(r)
	}
	if err != nil {
		return nil, err
	}
	if fix == "" {
		list := pairsOf(set, r, unfinished)
		if len(list) == 0 {
			err = fmt.Errorf("%w: spec %s has no fix to prove (chant prove REPRO FIX names one; --worktree proves one that is not completed)",
				ErrNothingToProve, r.ID)
		}
		return list, err
	}
	f, err := set.Resolve(fix)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(dependents(set, r), f) {
		return nil, &project.UsageError{
			Msg:  fmt.Sprintf("spec %s does not depend on spec %s, so it is no fix of what that reproduces", f.ID, r.ID),
			Mend: "add " + r.ID + " to its depends_on, or name another fix",
		}
	}
	return []pair{{r, f}}, nil
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

// pairsOf returns the fixes of one reproduction: of what depends on it, the
// specs of the phase "fix"; if no spec has that phase, code with target files that
// reproduces nothing itself, whatever its phase is called, but for the phases that are
// about something else.
func pairsOf(set *spec.Set, r *spec.Spec, unfinished bool) []pair {
	all := dependents(set, r)
	named := func(s *spec.Spec) bool { return strings.EqualFold(strings.TrimSpace(s.Phase), "fix") }
	phased := slices.ContainsFunc(all, named)
	others := []string{"comprehension", "reproduction", "root-cause", "impact-map", "upstream"}
	var list []pair
	for _, s := range all {
		code := s.Type == "code" || s.Type == "" && s.Phase != ""
		code = code && !slices.Contains(others, strings.ToLower(s.Phase)) && len(s.TargetFiles) > 0 && len(redChecks(s)) == 0
		if (unfinished || s.Status == spec.StatusCompleted) && (named(s) || !phased && code) {
			list = append(list, pair{r, s})
		}
	}
	return list
}

// dependents returns what depends on s, directly or through others, in the order
// of the set.
func dependents(set *spec.Set, s *spec.Spec) []*spec.Spec {
	all := completion.Dependents(set, s)
	return slices.DeleteFunc(set.Order(), func(d *spec.Spec) bool { return !slices.Contains(all, d) })
}

// provingVariable names, in the environment of a proof's checks, the proofs that
// they are run for.
const provingVariable = "CHANT_PROVING"

// withProving returns env with one more proof in progress. The error is ErrProving
// if that proof is in progress already.
func withProving(env []string, p pair) ([]string, error) {
	outer := process.Getenv(env, provingVariable)
	if slices.Contains(strings.Split(outer, "/"), p.name()) { // no id has a slash
		return nil, ErrProving
	}
	return append(slices.Clip(env), provingVariable+"="+strings.TrimPrefix(outer+"/"+p.name(), "/")), nil
}
