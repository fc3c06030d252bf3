package spec

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sound returns a spec without problems.
func sound(id string) *Spec {
	s := specOf(id)
	s.Type, s.Status = "code", StatusPending
	s.TargetFiles = []Item{{"src/**/*.go", Pos{7, 3}}, {"docs/", Pos{8, 3}}}
	s.Approval.Status = "pending"
	s.Criteria = []Criterion{
		{Number: 1, Text: "tests pass", Pos: Pos{20, 3}, Check: &Check{Lang: "sh", Pos: Pos{21, 3}}},
		{Number: 2, Text: "someone read it", Pos: Pos{24, 3}},
	}
	s.Attested = []Attestation{{Criterion: "someone read it"}}
	return s
}

// soundBut returns a sound spec "s" with one change.
func soundBut(change func(*Spec)) []*Spec { return []*Spec{with(sound("s"), change)} }

// lintAll returns what lint shows.
func lintAll(g *Set, cfg Config, parse map[string]Problems) Problems {
	return Lint(g, Inspect(g, cfg, parse))
}

// TestLintTriesEdits reads frontmatter in which a run could not record its
// completion, and some in which it could.
func TestLintTriesEdits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want Pos // zero where it can be edited
	}{
		{"# T\n", Pos{}},
		{"---\n---\n# T\n", Pos{}},
		{"---\nphase: &p fix\nlabels: [*p]\n---\n# T\n", Pos{}},
		{"---\nstatus: [\n---\n# T\n", Pos{}}, // not readable: that is Parse's to say
		{"---\ntype: code\nstatus: &s pending\nx: *s\n---\n# T\n", Pos{3, 9}},
		{"---\ncommits: [&c abc]\nx: *c\n---\n# T\n", Pos{2, 10}},
		{"---\n{status: pending}\n---\n# T\n", Pos{2, 1}},
		{"---\ntype: code\n...\n---\n# T\n", Pos{4, 1}},
		{"---\n? status\n---\n# T\n", Pos{3, 1}},
	} {
		sp, _ := Parse(".chant/specs/s.md", []byte(tt.in))
		var got Pos
		for _, p := range LintEdits(sp) {
			if p.Rule == "uneditable-frontmatter" {
				got = p.Pos
			}
		}
		if got != tt.want {
			t.Errorf("%q: uneditable at %v, want %v", tt.in, got, tt.want)
		}
	}
}

// TestLintPositions expects problems of the frontmatter at the value.
func TestLintPositions(t *testing.T) {
	t.Parallel()
	src := "---\ntype: cod\nstatus:\n  compleet\nmodel: -x\napproval: {status: perhaps}\nskipped: {by: ann}\nattested:\n- criterion: none\n" +
		"---\n# T\n"
	sp, _ := Parse(".chant/specs/s.md", []byte(src))
	got := map[string]Pos{}
	for _, p := range LintSpec(sp, Config{}) {
		got[p.Rule] = p.Pos
	}
	want := map[string]Pos{
		"unknown-type": {2, 7}, "unknown-status": {4, 3}, "bad-model": {5, 8}, "unknown-approval-status": {6, 11},
		"skipped-without-reason": {7, 10}, "skipped-not-cancelled": {7, 10}, "attested-unknown": {9, 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	match, exit := regexp.MustCompile("update lost"), 3
	tests := []struct {
		name  string
		specs []*Spec
		want  []string
	}{
		{"sound", []*Spec{sound("s")}, nil},

		{"type", soundBut(func(s *Spec) { s.Type = "doc" }), []string{
			`unknown-type spec s: .chant/specs/s.md: unknown type "doc" (one of code, task, research, documentation, driver, group)`}},
		{"type misspelt", soundBut(func(s *Spec) { s.Type = "reserach" }), []string{
			`unknown-type spec s: .chant/specs/s.md: unknown type "reserach" (did you mean "research"?)`}},
		{"no type", soundBut(func(s *Spec) { s.Type = "" }), nil},
		{"type group", soundBut(func(s *Spec) { s.Type = "group" }), nil},

		{"status", soundBut(func(s *Spec) { s.Status = "complete" }), []string{
			`unknown-status spec s: .chant/specs/s.md: unknown status "complete" (did you mean "completed"?)`}},
		{"computed status", soundBut(func(s *Spec) { s.Status = "blocked" }), nil},
		{"no status", soundBut(func(s *Spec) { s.Status = "" }), nil},

		{"approval", soundBut(func(s *Spec) { s.Approval.Status = "aproved" }), []string{
			`unknown-approval-status spec s: .chant/specs/s.md: unknown approval status "aproved" (did you mean "approved"?)`}},
		{"rejected", soundBut(func(s *Spec) { s.Approval.Status = "rejected" }), nil},

		{"model that is a flag", soundBut(func(s *Spec) { s.Model = "--yolo" }), []string{
			`bad-model spec s: .chant/specs/s.md: model "--yolo" starts with a dash, like a flag`}},
		{"any agent, prompt and model", soundBut(func(s *Spec) { s.Agent, s.Prompt, s.Model = "any", "any", "any-1" }), nil},

		{"skipped", []*Spec{skippedFor("not needed", sound("s"))}, nil},
		{"skipped without a reason", []*Spec{skippedFor("", sound("s"))}, []string{
			`skipped-without-reason spec s: .chant/specs/s.md: skipped without a reason, so it blocks the specs that depend on it (add a reason ` +
				`below skipped)`}},
		{"skipped, but not cancelled", []*Spec{inStatus(StatusCompleted, skippedFor("x", soundBut(func(s *Spec) {
			s.Criteria[0].Ticked, s.Criteria[1].Ticked = true, true
		})[0]))}, []string{
			`skipped-not-cancelled spec s: .chant/specs/s.md: skipped, but its status is "completed" (set it to cancelled, or remove skipped)`}},
		{"cancelled", soundBut(func(s *Spec) { s.Status = StatusCancelled }), nil},

		{"no criteria", soundBut(func(s *Spec) { s.Criteria, s.Attested = nil, nil }), []string{
			`no-criteria spec s: .chant/specs/s.md: no acceptance criteria, so the spec can't be completed`}},
		{"no criteria, but members", []*Spec{sound("s.1"), with(sound("s"), func(s *Spec) { s.Criteria, s.Attested = nil, nil })}, nil},

		{"completed and unticked", soundBut(func(s *Spec) { s.Status = StatusCompleted; s.Criteria[0].Ticked = true }), []string{
			`completed-with-unticked spec s: .chant/specs/s.md:24:3: completed, but 1 of 2 criteria are not ticked`}},
		{"completed and ticked", soundBut(func(s *Spec) {
			s.Status = StatusCompleted
			s.Criteria[0].Ticked, s.Criteria[1].Ticked = true, true
		}), nil},

		{"attested and changed", soundBut(func(s *Spec) { s.Attested[0].Criterion = "someone wrote it" }), []string{
			`attested-unknown spec s: .chant/specs/s.md: attested criterion "someone wrote it" is not a manual criterion of this spec (if its ` +
				`text has changed, attest it again)`}},
		{"attested with a check", soundBut(func(s *Spec) { s.Attested[0].Criterion = "tests pass" }), []string{
			`attested-unknown spec s: .chant/specs/s.md: attested criterion "tests pass" is not a manual criterion of this spec (if its text has ` +
				`changed, attest it again)`}},
		{"two manual criteria of one text", soundBut(func(s *Spec) {
			s.Criteria = append(s.Criteria, Criterion{Number: 3, Text: "someone read it", Pos: Pos{25, 3}})
		}), []string{
			`same-manual-criterion spec s: .chant/specs/s.md:25:3: two manual criteria have the text "someone read it" (make their texts ` +
				`different: an attestation would count for both)`}},
		{"attested text twice, first with a check", soundBut(func(s *Spec) { s.Criteria[0].Text = "someone read it" }), nil},
		{"attested text twice, then with a check", soundBut(func(s *Spec) {
			s.Criteria[0].Text = "someone read it"
			s.Criteria[0], s.Criteria[1] = s.Criteria[1], s.Criteria[0]
		}), nil},

		{"targets", soundBut(func(s *Spec) { s.TargetFiles = []Item{{"../x", Pos{7, 3}}, {"/etc/x", Pos{8, 3}}, {"a[*", Pos{9, 3}}} }), []string{
			`bad-target spec s: .chant/specs/s.md:7:3: target file "../x" is outside the project`,
			`bad-target spec s: .chant/specs/s.md:8:3: target file "/etc/x" is absolute: paths are relative to the project`,
			`bad-target spec s: .chant/specs/s.md:9:3: target file "a[*" is not a valid glob`}},

		{"any failure", soundBut(func(s *Spec) { s.Criteria[0].Check.ExpectFail = true }), []string{
			`red-for-wrong-reason spec s: .chant/specs/s.md:21:3: expect=fail without match= or exit= accepts any failure (add match= with the ` +
				`expected error message)`}},
		{"stated failure", soundBut(func(s *Spec) { s.Criteria[0].Check.ExpectFail = true; s.Criteria[0].Check.Match = match }), nil},
		{"stated exit", soundBut(func(s *Spec) { s.Criteria[0].Check.ExpectFail = true; s.Criteria[0].Check.Exit = &exit }), nil},

		{"interpreter, once for a shared check", soundBut(func(s *Spec) {
			s.Criteria[0].Check.Lang = "ruby"
			s.Criteria[1].Check = s.Criteria[0].Check
			s.Attested = nil
		}), []string{
			`unknown-interpreter spec s: .chant/specs/s.md:21:3: no interpreter for checks in "ruby" (add it to interpreters in .chant/config.md)`}},
		{"interpreter of the config", soundBut(func(s *Spec) { s.Criteria[0].Check.Lang = "node" }), nil},

		{"links", []*Spec{with(sound("s"), func(s *Spec) { s.DependsOn = []Item{{"none", Pos{5, 3}}} })}, []string{
			`unknown-dependency spec s: .chant/specs/s.md:5:3: dependency "none" matches no spec`}},
	}
	cfg, problems := ParseConfig(".chant/config.md", []byte("---\ninterpreters:\n  node: [node, -e]\n---\n"))
	if problems != nil {
		t.Fatal(problems)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, ruled(lintAll(NewSet(tt.specs), cfg, nil))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLintSeverities says which rules make a spec unusable.
func TestLintSeverities(t *testing.T) {
	t.Parallel()
	everything := with(sound("s"), func(s *Spec) {
		s.Type, s.Status, s.Approval.Status = "x", "x", "x"
		s.Model, s.Skipped.By = "-x", "ann"
		s.Attested[0].Criterion = "x"
		s.TargetFiles = []Item{{"/x", Pos{8, 3}}}
		s.Criteria[0].Check = &Check{Lang: "x", ExpectFail: true}
		s.DependsOn = []Item{{"none", Pos{5, 3}}, {"s-", Pos{6, 3}}, {"self", Pos{7, 3}}}
	})
	self := with(sound("self"), func(s *Spec) { s.DependsOn = []Item{{"self", Pos{}}} })
	there := with(sound("there"), func(s *Spec) { s.DependsOn = []Item{{"back", Pos{}}} })
	back := with(sound("back"), func(s *Spec) { s.DependsOn = []Item{{"there", Pos{}}} })
	done := with(sound("done"), func(s *Spec) { s.Status = StatusCompleted })
	empty := with(sound("empty"), func(s *Spec) { s.Criteria, s.Attested = nil, nil })
	g := NewSet([]*Spec{everything, self, there, back, done, empty, sound("s-1"), sound("s-2"), archivedOf("old", "s-1")})
	got := map[string]string{}
	for _, p := range lintAll(g, Config{}, nil) {
		got[p.Rule] = p.Severity.String()
	}
	want := map[string]string{
		"unknown-type": "warning", "unknown-status": "error", "unknown-approval-status": "warning",
		"no-criteria": "warning", "completed-with-unticked": "warning",
		"attested-unknown": "warning", "red-for-wrong-reason": "warning", "skipped-without-reason": "warning", "skipped-not-cancelled": "warning",
		"bad-model":  "error",
		"bad-target": "error", "unknown-interpreter": "error", "duplicate-id": "error",
		"unknown-dependency": "error", "ambiguous-dependency": "error", "self-dependency": "error", "dependency-cycle": "error",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLintAddsWhatParseFound(t *testing.T) {
	t.Parallel()
	broken, warned := specOf("b"), specOf("w")
	gone := Problem{ID: "gone", Path: ".chant/specs/gone.md", Severity: Error, Rule: "unreadable", Msg: "permission denied"}
	parse := map[string]Problems{
		warned.Path: {{warned.ID, warned.Path, Pos{2, 1}, Warning, "odd", "is odd", ""}},
		gone.Path:   {gone},
		broken.Path: {{broken.ID, broken.Path, Pos{4, 1}, Error, "yaml", "is no YAML", ""}},
	}
	want := []string{
		// That it has no criteria is not said of a file that can't be read.
		"yaml spec b: .chant/specs/b.md:4:1: is no YAML",
		"unreadable spec gone: .chant/specs/gone.md: permission denied",
		"no-criteria spec w: .chant/specs/w.md: no acceptance criteria, so the spec can't be completed",
		"odd spec w: .chant/specs/w.md:2:1: is odd",
	}
	if diff := cmp.Diff(want, ruled(lintAll(NewSet([]*Spec{broken, warned}), Config{}, parse))); diff != "" {
		t.Error(diff)
	}
}

func TestLintSortsByPlace(t *testing.T) {
	t.Parallel()
	s := with(sound("b"), func(s *Spec) {
		s.TargetFiles = []Item{{"/x", Pos{9, 3}}, {"/y", Pos{8, 5}}, {"/z", Pos{8, 4}}}
	})
	first := with(sound("a"), func(s *Spec) { s.TargetFiles = []Item{{"/x", Pos{40, 1}}} })
	var got []Pos
	for _, p := range lintAll(NewSet([]*Spec{s, first}), Config{}, nil) {
		got = append(got, p.Pos)
	}
	if diff := cmp.Diff([]Pos{{40, 1}, {8, 4}, {8, 5}, {9, 3}}, got); diff != "" {
		t.Error(diff)
	}
}
