package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Problems returns the problems of the links between the specs: duplicate ids,
// dependencies that match no spec or several, and cycles.
func (g *Set) Problems() Problems {
	var problems Problems
	for i, s := range g.all {
		report := func(pos Pos, rule, msg, hint string) {
			problems = append(problems, s.problem(Error, pos, rule, msg, hint))
		}
		if same := g.byID[s.ID]; len(same) > 1 && same[0] != i {
			first := g.all[same[0]].Path
			report(Pos{}, "duplicate-id", fmt.Sprintf("id %q is also the id of %s", s.ID, first), "rename one of the two")
		}
		for _, item := range g.nodes[i].unresolved {
			rule, msg, hint := g.explain(item.Value)
			report(item.Pos, rule, msg, hint)
		}
	}
	for _, cycle := range g.cycles {
		s := g.all[cycle[0]]
		rule, msg := "dependency-cycle", "cycle of dependencies "+g.cyclePath(cycle)
		if len(cycle) == 1 {
			rule, msg = "self-dependency", "depends on itself"
		}
		problems = append(problems, s.problem(Error, g.step(cycle, 0).pos, rule, msg, ""))
	}
	sortProblems(problems)
	return problems
}

// explain returns the reason why a dependency could not be resolved.
func (g *Set) explain(query string) (rule, msg, hint string) {
	if found := g.matches(query); len(found) > 0 {
		e := AmbiguousError{query, g.names(found)}
		return "ambiguous-dependency", fmt.Sprintf("dependency %q matches %d specs", query, len(found)), e.Hint()
	}
	e := NotFoundError{query, g.suggestions(query)}
	return "unknown-dependency", fmt.Sprintf("dependency %q matches no spec", query), e.Hint()
}

// Lint returns all problems of the specs in a set: those that Parse found (parse,
// by the path of the file), those of the set, and those of each spec.
func Lint(g *Set, cfg Config, parse map[string]Problems) Problems {
	problems := g.Problems()
	for _, path := range slices.Sorted(maps.Keys(parse)) {
		problems = append(problems, parse[path]...)
	}
	for _, s := range g.all {
		problems = append(problems, LintSpec(s, cfg)...)
		// A file with errors can have criteria that were not read.
		if len(s.Criteria) == 0 && len(g.Members(s)) == 0 && parse[s.Path].Err() == nil {
			problems = append(problems, s.problem(Warning, Pos{}, "no-criteria", "no acceptance criteria, so the spec can't be completed", ""))
		}
	}
	sortProblems(problems)
	return problems
}

// LintSpec returns the problems of a single spec that Parse does not find. With
// an error among them the spec must not be run.
func LintSpec(s *Spec, cfg Config) Problems {
	l := linter{spec: s, config: cfg}
	l.edits()
	l.words()
	l.model()
	l.skip()
	l.targets()
	l.criteria()
	l.checks()
	return l.problems
}

func (s *Spec) problem(severity Severity, pos Pos, rule, msg, hint string) Problem {
	return Problem{ID: s.ID, Path: s.Path, Pos: pos, Severity: severity, Rule: rule, Msg: msg, Hint: hint}
}

// linter collects the problems of one spec.
type linter struct {
	spec     *Spec
	config   Config
	problems Problems
}

func (l *linter) report(severity Severity, pos Pos, rule, msg, hint string) {
	l.problems = append(l.problems, l.spec.problem(severity, pos, rule, msg, hint))
}

func (l *linter) warn(pos Pos, rule, msg, hint string) { l.report(Warning, pos, rule, msg, hint) }

// edits tries the edits that complete a spec: whether they are possible must be
// known before any check runs.
func (l *linter) edits() {
	if l.spec.src == nil {
		return
	}
	for _, entry := range []struct {
		key   string
		value any
	}{
		{"status", string(StatusCompleted)}, {"completed_at", "2006-01-02T15:04:05Z"}, {"commits", []string{"0"}}, {"model", "any"},
	} {
		_, err := SetKey(l.spec.src, entry.key, entry.value)
		if p, ok := errors.AsType[Problem](err); ok {
			l.report(Error, p.Pos, p.Rule, p.Msg, p.Hint)
			return
		}
	}
}

// words checks the keys that have a fixed set of values.
func (l *linter) words() {
	l.word(l.spec.at["type"], "unknown-type", "type", l.spec.Type,
		[]string{"code", "task", "research", "documentation", "driver", "group"})
	l.word(l.spec.at["status"], "unknown-status", "status", string(l.spec.Status), []string{
		string(StatusPending), string(StatusInProgress), string(StatusCompleted), string(StatusFailed),
		string(StatusCancelled), string(StatusPaused), string(StatusNeedsAttention),
		// Computed states; in a file they mean pending.
		string(StateReady), string(StateBlocked),
	})
	l.word(l.spec.at["approval"], "unknown-approval-status", "approval status", l.spec.Approval.Status,
		[]string{ApprovalPending, Approved, Rejected})
}

func (l *linter) word(pos Pos, rule, what, word string, known []string) {
	if word == "" || slices.Contains(known, word) {
		return
	}
	l.warn(pos, rule, fmt.Sprintf("unknown %s %q", what, word), oneOf(word, known))
}

// model reports a model that an agent's program would read as a flag.
func (l *linter) model() {
	if strings.HasPrefix(l.spec.Model, "-") {
		l.report(Error, l.spec.at["model"], "bad-model", fmt.Sprintf("model %q starts with a dash, like a flag", l.spec.Model), "")
	}
}

// skip checks that a record of a skipped spec is complete.
func (l *linter) skip() {
	s := l.spec
	if s.Skipped == (Skip{}) {
		return
	}
	if s.Skipped.Reason == "" {
		l.warn(s.at["skipped"], "skipped-without-reason", "skipped without a reason, so it blocks the specs that depend on it",
			"add a reason below skipped")
	}
	if s.Status != StatusCancelled {
		l.warn(s.at["skipped"], "skipped-not-cancelled", fmt.Sprintf("skipped, but its status is %q", s.Status),
			"set it to cancelled, or remove skipped")
	}
}

func (l *linter) targets() {
	for _, item := range l.spec.TargetFiles {
		if err := CheckPattern(item.Value); err != nil {
			l.report(Error, item.Pos, "bad-target", fmt.Sprintf("target file %q %v", item.Value, err), "")
		}
	}
}

// criteria checks boxes, ticks and attestations.
func (l *linter) criteria() {
	for _, item := range l.spec.OddMarks {
		l.warn(item.Pos, "odd-mark", fmt.Sprintf("%q is not a valid box, and the spec can't be completed with it", item.Value),
			"write [ ] or [x]")
	}
	manual := map[string]bool{}
	var unticked []Criterion
	for _, c := range l.spec.Criteria {
		if c.Manual() && manual[c.Text] {
			l.report(Error, c.Pos, "same-manual-criterion", fmt.Sprintf("two manual criteria have the text %q", c.Text),
				"make their texts different: an attestation would count for both")
		}
		manual[c.Text] = manual[c.Text] || c.Manual()
		if !c.Ticked {
			unticked = append(unticked, c)
		}
	}
	if l.spec.Status == StatusCompleted && len(unticked) > 0 {
		l.warn(unticked[0].Pos, "completed-with-unticked",
			fmt.Sprintf("completed, but %d of %d criteria are not ticked", len(unticked), len(l.spec.Criteria)), "")
	}
	for _, a := range l.spec.Attested {
		if !manual[a.Criterion] {
			l.warn(l.spec.at["attested"], "attested-unknown",
				fmt.Sprintf("attested criterion %q is not a manual criterion of this spec", a.Criterion),
				"if its text has changed, attest it again")
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
			l.report(Error, c.Pos, "unknown-interpreter", fmt.Sprintf("no interpreter for checks in %q", c.Lang),
				"add it to interpreters in .chant/config.md")
		}
		if c.ExpectFail && c.Match == nil && c.Exit == nil {
			l.warn(c.Pos, "red-for-wrong-reason", "expect=fail without match= or exit= accepts any failure",
				"add match= with the expected error message")
		}
	}
}
