package cmd

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/record"
	"chant/spec"
)

// weakenedProof is the proof of a fix that rewrote its test. It uses most fields.
func weakenedProof() record.Proof {
	const base, head = "1111111111112222", "3333333333334444"
	return record.Proof{
		Reproduction: "002-reproduction", Fix: "005-fix",
		Verdict: record.Weakened, Reason: "the original test fails at head, the changed one passes",
		Base: record.Revision{Commit: "aaaaaaaaaaaabbbb", Tree: base},
		Head: record.Revision{Commit: "ccccccccccccdddd", Tree: head},
		Checks: []record.ProofCheck{{
			Criterion: 3, Text: "It fails", Lang: "sh", Command: "go test -run TestIssue42 .\n", Wants: "failure", Reason: "update lost",
			Files:  []record.TestFile{{Path: "a_test.go", Blob: "b", SHA256: "s"}},
			PValue: 0.25, Bounds: record.Bounds{RedLow: 0.067, RedHigh: 0.652, GreenHigh: 0.9999}, Needed: 30,
		}},
		Cells: []record.Cell{
			{Name: record.CellRed, Criterion: 3, Tree: base, Wanted: "fails as stated", Runs: 10,
				ByOutcome: map[record.Outcome]int{record.Held: 3, record.NotHeld: 7}, Held: true, LogDigest: "sha256:1"},
			{Name: record.CellGreen, Criterion: 3, Tree: head, Wanted: "passes", Runs: 1, ByOutcome: map[record.Outcome]int{record.NotHeld: 1},
				Reason: "exit 1", Output: "update lost\n", LogDigest: "sha256:2"},
			{Name: record.CellCausal, Criterion: 3, Tree: base, Wanted: "fails as stated", Runs: 10,
				ByOutcome: map[record.Outcome]int{record.Held: 3, record.NotHeld: 7}, Held: true, SharedWith: record.CellRed},
			{Name: record.CellIntact, Tree: head, Wanted: "the same test", Runs: 1, ByOutcome: map[record.Outcome]int{record.Held: 1}, Held: true,
				Reason: "as changed it passes"},
			{Name: record.CellKept, Tree: head, Wanted: "what held holds", ByOutcome: map[record.Outcome]int{}, Reason: "not run"},
		},
		PValue: 0.25, Alpha: 0.01, Needed: 30,
		Intact: record.Intact{Diff: "--- a/a_test.go\n+++ b/a_test.go\n@@ -1 +1 @@\n-want 2\n+want 1\n ::error::x\n"},
		Changed: []record.ProofPath{
			{Path: "Makefile", Class: record.ClassHarness, Green: record.FromBase, Causal: record.FromBase},
			{Path: "a.go", Class: record.ClassFix, Green: record.FromHead, Causal: record.Absent},
		},
		Harness:  []string{"Makefile"},
		Coverage: &record.Coverage{Changed: 2, Covered: 1, Missed: []string{"a.go:7"}},
		Notes:    []string{"lib is a submodule, and is not there"},
		Warnings: []string{"the test ran none of the lines"},
		Started:  fixedTime(), DurationMS: 1500,
	}
}

// provenProof is a successful proof with two checks.
func provenProof() record.Proof {
	p := weakenedProof()
	p.Verdict, p.Reason, p.Needed = record.Proven, "the fix is what fixed it", 0
	p.Intact, p.Changed, p.Harness, p.Coverage, p.Notes = record.Intact{Same: true}, nil, nil, nil, nil
	p.Head.Worktree = true
	p.Evidence, p.Warnings = record.ByNames, nil
	all := func(n int) map[record.Outcome]int { return map[record.Outcome]int{record.Held: n} }
	first := record.ProofCheck{Criterion: 1, PValue: 0.0039682, Bounds: record.Bounds{RedLow: 0.478, RedHigh: 1, GreenHigh: 0.4507}}
	second := first
	second.Criterion = 2
	p.Checks = []record.ProofCheck{first, second}
	p.Cells = nil
	for _, c := range []int{1, 2} {
		p.Cells = append(p.Cells,
			record.Cell{Name: record.CellRed, Criterion: c, Tree: "b", Wanted: "fails", Runs: 5, ByOutcome: all(5), Held: true},
			record.Cell{Name: record.CellGreen, Criterion: c, Tree: "h", Wanted: "passes", Runs: 5, ByOutcome: all(5), Held: true})
	}
	return p
}

func TestShowProofs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	showProofs(newScreen(&b, nil), []record.Proof{weakenedProof(), provenProof()})
	if diff := cmp.Diff(wantProofs, b.String()); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

const wantProofs = `proof of 005-fix by 002-reproduction
  base aaaaaaaaaaaa, tree 111111111111
  head cccccccccccc, tree 333333333333

    cell    tree          wanted           runs              outcomes
  ✓ red     111111111111  fails as stated  10                3 red, 7 not red
  ✗ green   333333333333  passes           1                 1 not green: exit 1
  ✓ causal  111111111111  fails as stated  10, those of red  3 red, 7 not red
  ! intact  333333333333  the same test    1                 1 held: as changed it passes
  · kept    333333333333  what held holds  –                 not run
  output of green:
      | update lost

  changed between base and head, 2 paths:
  class    path      green  causal
  fix      a.go      head   absent
  harness  Makefile  base   base

  the test was changed:
      | --- a/a_test.go
      | +++ b/a_test.go
      | @@ -1 +1 @@
      | -want 2
      | +want 1
      |  ::error::x

weakened: the original test fails at head, the changed one passes
! the test ran none of the lines
before: failed as stated 3 of 10 (30 %, 95 % bounds 6.7 % to 65.2 %); after: failed 1 of 1
the test ran 1 of the fix's 2 changed lines; not run: a.go:7
lib is a submodule, and is not there
Scope: this test, these runs, this machine.

proof of 005-fix by 002-reproduction
  base aaaaaaaaaaaa, tree 111111111111
  head the work tree on cccccccccccc, tree 333333333333

    cell       tree  wanted  runs  outcomes
  ✓ red (1)    b     fails   5     5 red
  ✓ green (1)  h     passes  5     5 green
  ✓ red (2)    b     fails   5     5 red
  ✓ green (2)  h     passes  5     5 green

proven: the fix is what fixed it. Evidence: named tests
criterion 1: ` + fiveOfFive + `criterion 2: ` + fiveOfFive + `Scope: this test, these runs, this machine.
`

const fiveOfFive = "before: failed as stated 5 of 5 (100 %, 95 % bounds 47.8 % to 100 %); " +
	"after: failed 0 of 5 (at most 45.1 %, 95 % bound); chance of this if nothing changed: 0.004\n"

func TestProofsMarkdown(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := writeProofsMarkdown(&b, []record.Proof{weakenedProof()}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantProofMarkdown, b.String()); diff != "" {
		t.Errorf("Markdown (-want +got):\n%s", diff)
	}
}

const wantProofMarkdown = "### ❌ 005-fix: weakened\n" +
	"\n" +
	"the original test fails at head, the changed one passes\n" +
	"\n" +
	"⚠️ the test ran none of the lines\n" +
	"\n" +
	"Reproduced by 002-reproduction. Base aaaaaaaaaaaa, tree 111111111111; head cccccccccccc, tree 333333333333.\n" +
	"\n" +
	"| cell | tree | wanted | runs | outcomes |\n" +
	"| --- | --- | --- | --- | --- |\n" +
	"| ✓ red | 111111111111 | fails as stated | 10 | 3 red, 7 not red |\n" +
	"| ✗ green | 333333333333 | passes | 1 | 1 not green: exit 1 |\n" +
	"| ✓ causal | 111111111111 | fails as stated | 10, those of red | 3 red, 7 not red |\n" +
	"| ! intact | 333333333333 | the same test | 1 | 1 held: as changed it passes |\n" +
	"| · kept | 333333333333 | what held holds | – | not run |\n" +
	"\n" +
	"before: failed as stated 3 of 10 (30 %, 95 % bounds 6.7 % to 65.2 %); after: failed 1 of 1\n" +
	"\n" +
	"the test ran 1 of the fix's 2 changed lines; not run: a.go:7\n" +
	"\n" +
	"lib is a submodule, and is not there\n" +
	"\n" +
	"Scope: this test, these runs, this machine.\n" +
	"\n" +
	"<details><summary>The check: It fails</summary>\n" +
	"\n" +
	"```\n" +
	"go test -run TestIssue42 .\n" +
	"```\n" +
	"\n" +
	"</details>\n" +
	"\n" +
	"<details><summary>How the test was changed</summary>\n" +
	"\n" +
	"```\n" +
	"--- a/a_test.go\n" +
	"+++ b/a_test.go\n" +
	"@@ -1 +1 @@\n" +
	"-want 2\n" +
	"+want 1\n" +
	"\u200b ::error::x\n" +
	"```\n" +
	"\n" +
	"</details>\n" +
	"\n" +
	"<details><summary>Changed between base and head: 2 paths</summary>\n" +
	"\n" +
	"```\n" +
	"fix      green: head    causal: absent  a.go\n" +
	"harness  green: base    causal: base    Makefile\n" +
	"```\n" +
	"\n" +
	"</details>\n" +
	"\n"

// Text from files and commands is always escaped.
func TestProofsEscapeText(t *testing.T) {
	t.Parallel()
	p := weakenedProof()
	p.Reproduction, p.Fix, p.Verdict, p.Reason = hostile, hostile, hostile, hostile
	p.Checks[0].Text, p.Checks[0].Command = hostile, "\n::error::x\n```\n````\n"+hostile
	for i := range p.Cells {
		p.Cells[i].Wanted, p.Cells[i].Reason, p.Cells[i].Output, p.Cells[i].Tree = hostile, hostile, hostile, hostile
	}
	p.Intact.Diff = hostile + "\n ::error::x"
	p.Changed = []record.ProofPath{{Path: hostile, Class: hostile}}
	p.Coverage.Missed, p.Notes = []string{hostile}, []string{hostile}
	for name, render := range map[string]func(w io.Writer) error{
		"terminal": func(w io.Writer) error { s := newScreen(w, nil); showProofs(s, []record.Proof{p}); return s.failed() },
		"markdown": func(w io.Writer) error { return writeProofsMarkdown(w, []record.Proof{p}) },
		"json":     func(w io.Writer) error { return writeJSON(w, p) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := render(&b); err != nil {
				t.Fatal(err)
			}
			for _, r := range b.String() {
				if r != '\n' && r != '\u200b' && (r < 0x20 || r == 0x7F || spec.Deceptive(r)) {
					t.Errorf("%U is in\n%s", r, b.String())
				}
			}
			for line := range strings.Lines(b.String()) {
				if strings.HasPrefix(strings.TrimSpace(line), "::") {
					t.Errorf("%q is a command to GitHub", line)
				}
			}
		})
	}
}

// Neither a rate that is nearly 0 nor one that is nearly 1 is shown as certain.
func TestPercent(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]string{
		0: "0 %", 1: "100 %", 0.5: "50 %", 0.095: "9.5 %", 0.1234: "12.3 %", 0.0000123: "0.00123 %",
		0.9: "90 %", 0.999: "99.90 %", 0.99999: "99.99 %", 0.99999999: "99.99 %",
	} {
		if got := percent(rate); got != want {
			t.Errorf("%g: got %s, want %s", rate, got, want)
		}
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                      "",
		"a.go:7":                                "a.go:7",
		"a.go:9 a.go:10 b.go:11 a.go:8 a.go:12": "a.go:8-10 a.go:12 b.go:11",
		"a:b.go:1 a:b.go:2":                     "a:b.go:1-2",
		"odd :3 x: a.go:1":                      ":3 a.go:1 odd x:",
	} {
		if got := strings.Join(ranges(strings.Fields(in)), " "); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestProofStatus(t *testing.T) {
	t.Parallel()
	of := func(verdicts ...record.ProofVerdict) []record.Proof {
		var list []record.Proof
		for _, v := range verdicts {
			list = append(list, record.Proof{Verdict: v})
		}
		return list
	}
	for _, tt := range []struct {
		proofs []record.Proof
		want   int
	}{
		{nil, 3},
		{of(record.Proven), 0},
		{of(record.Proven, record.Proven), 0},
		{of(record.Proven, record.Inconclusive), 3},
		{of(record.Inconclusive, record.NotFixed), 1},
		{of(record.NotFixed, record.Inconclusive, record.Proven), 1},
		{of(record.Weakened), 1}, {of(record.NotReproduced), 1}, {of(record.WrongCause), 1},
		{of(record.NotTheCause), 1}, {of(record.Regressed), 1}, {of(record.NotProvable), 1},
		{of("unheard of"), 1},
	} {
		if got := exitCode(proofStatus(tt.proofs)); got != tt.want {
			t.Errorf("%v: exit %d, want %d", tt.proofs, got, tt.want)
		}
	}
}
