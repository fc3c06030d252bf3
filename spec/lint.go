package spec

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// Duplicates returns a problem for each spec that has the id of another one. Nobody
// could say which of them a command or a dependency means.
func (g *Set) Duplicates() Problems {
	var problems Problems
	for _, s := range g.all {
		same := g.byID[s.ID]
		if len(same) < 2 {
			continue
		}
		other := g.all[same[0]]
		if other == s {
			other = g.all[same[1]]
		}
		r := s.reporter()
		r.fail(Pos{}, "duplicate-id", "rename one of the two", "id %q is also the id of %s", s.ID, other.Path)
		problems = append(problems, r.problems...)
	}
	return problems
}

// Links returns the problems of the links between the specs: dependencies that match
// no spec or several, cycles, and specs that are completed before a dependency.
func (g *Set) Links() Problems {
	var problems Problems
	for i, s := range g.all {
		r := s.reporter()
		for _, e := range g.nodes[i].needs {
			if to := g.all[e.to]; s.Status == StatusCompleted && to.Status != StatusCompleted && !to.IsSkipped() {
				r.fail(e.pos, "completed-before-dependency", "chant run "+to.ID+", or chant skip it",
					"completed before %s, which it depends on", to.ID)
			}
		}
		for _, item := range g.nodes[i].unresolved {
			if found := g.matches(item.Value); len(found) > 0 {
				e := AmbiguousError{item.Value, g.names(found)}
				r.fail(item.Pos, "ambiguous-dependency", e.Hint(), "dependency %q matches %d specs", item.Value, len(found))
			} else {
				e := NotFoundError{item.Value, g.suggestions(item.Value)}
				r.fail(item.Pos, "unknown-dependency", e.Hint(), "dependency %q matches no spec", item.Value)
			}
		}
		problems = append(problems, r.problems...)
	}
	for _, cycle := range g.cycles {
		r, at := g.all[cycle[0]].reporter(), g.step(cycle, 0).pos
		if len(cycle) == 1 {
			r.fail(at, "self-dependency", "", "depends on itself")
		} else {
			r.fail(at, "dependency-cycle", "", "cycle of dependencies %s", g.cyclePath(cycle))
		}
		problems = append(problems, r.problems...)
	}
	sortProblems(problems)
	return problems
}

// reporter returns a reporter for the spec's file.
func (s *Spec) reporter() reporter { return reporter{id: s.ID, path: s.Path} }

// Inspect returns, by path, the problems that Parse found (parse), with those of
// LintSpec and Duplicates. A spec with an error among them must not be run, and does
// not count as completed.
func Inspect(g *Set, cfg Config, parse map[string]Problems) map[string]Problems {
	found := map[string]Problems{}
	for path, problems := range parse {
		found[path] = slices.Clone(problems)
	}
	for _, s := range g.all {
		found[s.Path] = append(found[s.Path], LintSpec(s, cfg)...)
	}
	for _, p := range g.Duplicates() {
		found[p.Path] = append(found[p.Path], p)
	}
	return found
}

// Lint returns all problems of the specs in a set, sorted: those that Inspect
// returned, those of the links, and those that take longer to find.
func Lint(g *Set, found map[string]Problems) Problems {
	problems := g.Links()
	for _, path := range slices.Sorted(maps.Keys(found)) {
		problems = append(problems, found[path]...)
	}
	for _, s := range g.all {
		problems = append(problems, LintEdits(s)...)
		problems = append(problems, lintShell(s)...)
		// A file with errors can have criteria that were not read.
		if len(s.Criteria) == 0 && len(g.Members(s)) == 0 && found[s.Path].Err() == nil {
			r := s.reporter()
			r.warn(Pos{}, "no-criteria", "", "no acceptance criteria, so the spec can't be completed")
			problems = append(problems, r.problems...)
		}
	}
	sortProblems(problems)
	return problems
}

// LintSpec returns the problems of a single spec that Parse does not find.
func LintSpec(s *Spec, cfg Config) Problems {
	l := linter{spec: s, config: cfg, reporter: s.reporter()}
	l.words()
	l.skip()
	l.targets()
	l.criteria()
	l.checks()
	return l.problems
}

type linter struct {
	reporter
	spec   *Spec
	config Config
}

// LintEdits tries the edits that complete a spec: whether they are possible must be
// known before any check runs.
func LintEdits(s *Spec) Problems {
	if len(s.front) == 0 {
		return nil
	}
	for _, entry := range []struct {
		key   string
		value any
	}{
		{"status", string(StatusCompleted)}, {"completed_at", "2006-01-02T15:04:05Z"}, {"commits", []string{"0"}}, {"model", "any"},
	} {
		_, err := SetKey(s.front, entry.key, entry.value)
		if p, ok := errors.AsType[Problem](err); ok {
			p.ID, p.Path = s.ID, s.Path
			return Problems{p}
		}
	}
	return nil
}

// words checks the keys that have a fixed set of values, and that no agent's
// program would read the model as a flag.
func (l *linter) words() {
	s := l.spec
	l.word(l.warn, "type", "unknown-type", "type", s.Type, "code", "task", "research", "documentation", "driver", "group")
	l.word(l.fail, "status", "unknown-status", "status", string(s.Status),
		string(StatusPending), string(StatusInProgress), string(StatusCompleted), string(StatusFailed),
		string(StatusCancelled), string(StatusPaused), string(StatusNeedsAttention),
		string(StateReady), string(StateBlocked)) // computed states; in a file they mean pending
	l.word(l.warn, "approval", "unknown-approval-status", "approval status", s.Approval.Status, ApprovalPending, Approved, Rejected)
	if strings.HasPrefix(s.Model, "-") {
		l.fail(s.at["model"], "bad-model", "", "model %q starts with a dash, like a flag", s.Model)
	}
}

func (l *linter) word(report func(at Pos, rule, hint, format string, args ...any), key, rule, what, word string, known ...string) {
	if word != "" && !slices.Contains(known, word) {
		report(l.spec.at[key], rule, oneOf(word, known), "unknown %s %q", what, word)
	}
}

// skip checks that a record of a skipped spec is complete.
func (l *linter) skip() {
	s, at := l.spec, l.spec.at["skipped"]
	if s.Skipped == (Skip{}) {
		return
	}
	if s.Skipped.Reason == "" {
		l.warn(at, "skipped-without-reason", "add a reason below skipped",
			"skipped without a reason, so it blocks the specs that depend on it")
	}
	if s.Status != StatusCancelled {
		l.warn(at, "skipped-not-cancelled", "set it to cancelled, or remove skipped", "skipped, but its status is %q", s.Status)
	}
}

func (l *linter) targets() {
	for _, item := range l.spec.TargetFiles {
		if err := CheckPattern(item.Value); err != nil {
			l.fail(item.Pos, "bad-target", "", "target file %q %v", item.Value, err)
		}
	}
}

// criteria checks boxes, ticks and attestations.
func (l *linter) criteria() {
	manual := map[string]bool{}
	var unticked []Criterion
	for _, c := range l.spec.Criteria {
		if c.Manual() && manual[c.Text] {
			l.fail(c.Pos, "same-manual-criterion", "make their texts different: an attestation would count for both",
				"two manual criteria have the text %q", c.Text)
		}
		manual[c.Text] = manual[c.Text] || c.Manual()
		if !c.Ticked {
			unticked = append(unticked, c)
		}
	}
	if l.spec.Status == StatusCompleted && len(unticked) > 0 {
		l.warn(unticked[0].Pos, "completed-with-unticked", "",
			"completed, but %d of %d criteria are not ticked", len(unticked), len(l.spec.Criteria))
	}
	for _, a := range l.spec.Attested {
		if !manual[a.Criterion] {
			l.warn(l.spec.at["attested"], "attested-unknown", "if its text has changed, attest it again",
				"attested criterion %q is not a manual criterion of this spec", a.Criterion)
		}
	}
}

// checks lints each check once, even if several criteria share it.
func (l *linter) checks() {
	seen := map[*Check]bool{nil: true}
	for _, criterion := range l.spec.Criteria {
		c := criterion.Check
		if seen[c] {
			continue
		}
		seen[c] = true
		if _, ok := l.config.Interpreter(c.Lang); !ok {
			l.fail(c.Pos, "unknown-interpreter", "add it to interpreters in .chant/config.md", "no interpreter for checks in %q", c.Lang)
		}
		if c.ExpectFail && c.Match == nil && c.Exit == nil {
			l.warn(c.Pos, "red-for-wrong-reason", "add match= with the expected error message",
				"expect=fail without match= or exit= accepts any failure")
		}
	}
}
