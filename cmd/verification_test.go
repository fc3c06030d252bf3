package cmd

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// found is a verification with every kind of result.
func found() verification {
	check := func(o record.Outcome, held int, output string) *record.CheckResult {
		return &record.CheckResult{Outcome: o, Planned: 2, Runs: 2, HeldRuns: held, DurationMS: 1250, Output: output}
	}
	return verification{
		verdict: record.Failed,
		Verification: record.Verification{
			Commit: "0123456789abcdef0123", Tree: "t", Worktree: true, Dirty: []string{"a.go"}, Started: fixedTime(), DurationMS: 2500,
			Specs: []record.Verified{
				{
					ID: "002", Title: "Reproduce", Path: ".chant/specs/002.md", Status: "completed",
					Criteria: []record.Result{
						{Number: 1, Text: "Holds", Line: 9, Outcome: record.Held, Check: check(record.Held, 2, "fine\n")},
						{Number: 2, Text: "Fails", Line: 10, Outcome: record.NotHeld, Reason: "exit 1", Check: check(record.NotHeld, 1, "got 1\nwant 2\n")},
						{Number: 3, Text: "Killed", Line: 11, Outcome: record.Killed, Reason: "killed by signal: killed", Check: check(record.Killed, 0, "")},
						{Number: 4, Text: "Vouched", Line: 12, Manual: true, Outcome: record.Attested},
						{Number: 5, Text: "Open", Line: 13, Manual: true, Outcome: record.Unattested},
					},
					Findings: []record.Finding{
						{Rule: record.RuleUnticked, Criterion: 2, Line: 10, Text: "criterion 2 is not ticked"},
						{Rule: record.RuleUnproven, Criterion: 5, Line: 13, Text: "criterion 5: nobody vouched for it"},
						{Rule: record.RuleChanged, Line: 14, Text: "the mark [~]"},
						{Rule: record.RuleChanged, Line: 15, Text: "the mark [~]"},
					},
				},
				{ID: "003", Path: ".chant/specs/003.md", Error: "spec 003: bad", Criteria: []record.Result{}, Findings: []record.Finding{}},
			},
		},
	}
}

// spoiled is a verification in which every text is hostile.
func spoiled() verification {
	return verification{verdict: record.Failed, strict: true, Verification: record.Verification{Specs: []record.Verified{{
		ID: hostile, Title: hostile, Path: hostile, Status: hostile, CompletedBy: hostile, Error: hostile,
		Criteria: []record.Result{{
			Number: 1, Text: hostile, Outcome: record.NotHeld, Reason: hostile,
			Check: &record.CheckResult{Runs: 1, Planned: 1, Command: hostile, Reason: hostile, Output: hostile + "\n\xff" + hostile},
		}},
		Findings: []record.Finding{{Rule: record.RuleUnproven, Line: 1, Text: hostile}},
	}}}}
}

func rendered(t *testing.T, render func(io.Writer, verification) error, v verification) string {
	t.Helper()
	var b strings.Builder
	if err := render(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReports(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"junit":    wantJUnit,
		"markdown": wantMarkdown,
		"github":   wantGitHub,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, rendered(t, reportFormats()[format], found())); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

const wantJUnit = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="chant verify" tests="9" failures="4" errors="2" skipped="1" time="2.500" timestamp="2026-01-02T03:04:05Z">
  <testsuite name="002" tests="8" failures="4" errors="1" skipped="1" time="3.750" file=".chant/specs/002.md">
    <testcase classname="002" name="1. Holds" time="1.250" file=".chant/specs/002.md" line="9"></testcase>
    <testcase classname="002" name="2. Fails" time="1.250" file=".chant/specs/002.md" line="10">
      <failure message="passed 1/2, 1.2s: exit 1" type="not_held">got 1&#xA;want 2&#xA;</failure>
    </testcase>
    <testcase classname="002" name="3. Killed" time="1.250" file=".chant/specs/002.md" line="11">
      <error message="passed 0/2, 1.2s: killed by signal: killed" type="killed"></error>
    </testcase>
    <testcase classname="002" name="4. Vouched" time="0.000" file=".chant/specs/002.md" line="12"></testcase>
    <testcase classname="002" name="5. Open" time="0.000" file=".chant/specs/002.md" line="13">
      <skipped message="waiting for an attestation" type="unattested"></skipped>
    </testcase>
    <testcase classname="002" name="unticked in line 10" time="0.000" file=".chant/specs/002.md" line="10">
      <failure message="criterion 2 is not ticked" type="unticked"></failure>
    </testcase>
    <testcase classname="002" name="changed-since-completion in line 14" time="0.000" file=".chant/specs/002.md" line="14">
      <failure message="the mark [~]" type="changed-since-completion"></failure>
    </testcase>
    <testcase classname="002" name="changed-since-completion in line 15" time="0.000" file=".chant/specs/002.md" line="15">
      <failure message="the mark [~]" type="changed-since-completion"></failure>
    </testcase>
  </testsuite>
  <testsuite name="003" tests="1" failures="0" errors="1" skipped="0" time="0.000" file=".chant/specs/003.md">
    <testcase classname="003" name="spec file" time="0.000" file=".chant/specs/003.md" line="1">
      <error message="spec 003: bad" type="invalid"></error>
    </testcase>
  </testsuite>
</testsuites>
`
const wantMarkdown = `### chant verify: not verified

at 0123456789ab with 1 file changed: 2 specs

| spec | criterion | result |
| --- | --- | --- |
| 002 | 1. Holds | ✅ passed 2/2, 1.2s |
| 002 | 2. Fails | ❌ passed 1/2, 1.2s: exit 1 |
| 002 | 3. Killed | ❌ passed 0/2, 1.2s: killed by signal: killed |
| 002 | 4. Vouched | ✅ attested |
| 002 | 5. Open | ⚠️ waiting for an attestation |
| 002 | unticked | ❌ criterion 2 is not ticked |
| 002 | unproven | ⚠️ criterion 5: nobody vouched for it |
| 002 | changed-since-completion | ❌ the mark \[\~\] |
| 002 | changed-since-completion | ❌ the mark \[\~\] |
| 003 | | ❌ spec 003: bad |
`
const wantGitHub = `::error file=.chant/specs/002.md,line=10,title=002::2. Fails — passed 1/2, 1.2s: exit 1
::error file=.chant/specs/002.md,line=11,title=002::3. Killed — passed 0/2, 1.2s: killed by signal: killed
::error file=.chant/specs/002.md,line=10,title=002::criterion 2 is not ticked
::error file=.chant/specs/002.md,line=14,title=002::the mark [~]
::error file=.chant/specs/002.md,line=15,title=002::the mark [~]
::error file=.chant/specs/003.md,line=1,title=003::spec 003: bad
`

// No report may contain what has an effect on a terminal, a table or a CI's log.
func TestReportsEscapeText(t *testing.T) {
	t.Parallel()
	for format, render := range reportFormats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			out := rendered(t, render, spoiled())
			for _, r := range out {
				if r != '\n' && r != '\u200b' && (r < 0x20 || r == 0x7F || spec.Deceptive(r)) {
					t.Errorf("%U is in\n%s", r, out)
				}
			}
			for line := range strings.Lines(out) {
				command := strings.TrimSpace(line)
				if strings.HasPrefix(command, "::") && (format != "github" || !strings.HasPrefix(command, "::error file=")) {
					t.Errorf("%q is a command to GitHub", line)
				}
			}
		})
	}
}

func TestJUnitReadsBack(t *testing.T) {
	t.Parallel()
	var got junitSuites
	if err := xml.Unmarshal([]byte(rendered(t, writeJUnit, spoiled())), &got); err != nil {
		t.Fatal(err)
	}
	suite := got.Suites[0]
	if want := clean(hostile); suite.Name != want || suite.Cases[0].Name != "1. "+want || suite.Cases[1].Failure.Message != want {
		t.Errorf("got %+v, want %q in it", suite, want)
	}
	if want := cleanLines(hostile + "\n\xff" + hostile); suite.Cases[0].Failure.Text != want {
		t.Errorf("output %q, want %q", suite.Cases[0].Failure.Text, want)
	}
	if err := xml.Unmarshal([]byte(rendered(t, writeJUnit, found())), &got); err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Suites {
		names := map[string]bool{}
		for _, c := range s.Cases {
			if names[c.Name] {
				t.Errorf("two cases of suite %s are named %q", s.Name, c.Name)
			}
			names[c.Name] = true
		}
	}
}

func TestMarkdownRowsStayRows(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSuffix(rendered(t, writeMarkdown, spoiled()), "\n"), "\n")
	rows := 0
	for _, line := range lines {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		rows++
		cells := strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\|`, "")
		if strings.Count(cells, "|") != 4 {
			t.Errorf("%q has other than three cells", line)
		}
	}
	if rows != 5 || strings.ContainsAny(strings.Join(lines, ""), "<") {
		t.Errorf("%d rows, want the head, its rule and three, without tags:\n%s", rows, strings.Join(lines, "\n"))
	}
}

func TestGitHubKeepsTen(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 0, 1: 1, 9: 9, 10: 10, 11: 10, 50: 10} {
		v := verification{Verification: record.Verification{Specs: []record.Verified{{ID: "1"}}}}
		for range n {
			v.Specs[0].Findings = append(v.Specs[0].Findings, record.Finding{Rule: record.RuleChanged, Text: "t"})
		}
		out := rendered(t, writeGitHub, v)
		if got := strings.Count(out, "\n"); got != want {
			t.Errorf("%d findings: %d annotations, want %d", n, got, want)
		}
		if more := strings.Contains(out, "more, see the log"); more != (n > want) {
			t.Errorf("%d findings:\n%s", n, out)
		}
	}
}

func TestParseReports(t *testing.T) {
	t.Parallel()
	got, err := parseReports([]string{"junit=a=b.xml", "json", "markdown=-"})
	if err != nil {
		t.Fatal(err)
	}
	want := []reportTo{{"junit", "a=b.xml"}, {"json", ""}, {"markdown", "-"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(reportTo{})); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	for _, arg := range []string{"", "pdf", "=x", "JSON"} {
		if _, err := parseReports([]string{arg}); !is[*project.UsageError](err) {
			t.Errorf("%q: got error %v", arg, err)
		}
	}
}

func TestWriteReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out strings.Builder
	a := &App{Out: &out, Dir: dir}
	if err := errors.Join(a.writeReport(reportTo{"github", "-"}, found()), a.writeReport(reportTo{"github", "x.txt"}, found())); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "x.txt"))
	if err != nil || string(file) != wantGitHub || out.String() != wantGitHub {
		t.Errorf("stdout %q, file %q, error %v", out.String(), file, err)
	}
	if err := a.writeReport(reportTo{"github", "missing/x.txt"}, found()); err == nil {
		t.Error("a report into a missing folder was written")
	}
}

func TestShowFindings(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	showFindings(newScreen(&b, nil), found())
	if diff := cmp.Diff(wantFindings, b.String()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

const wantFindings = `! .chant/specs/002.md:10:1: criterion 2 is not ticked [unticked]
! .chant/specs/002.md:13:1: criterion 5: nobody vouched for it [unproven]
! .chant/specs/002.md:14:1: the mark [~] [changed-since-completion]
! .chant/specs/002.md:15:1: the mark [~] [changed-since-completion]
✗ spec 003: bad

2 specs verified, 2 failed, 1 unproven (at 0123456789ab with 1 file changed)
  ✗ 002 2. Fails — passed 1/2, 1.2s: exit 1
  ✗ 002 3. Killed — passed 0/2, 1.2s: killed by signal: killed
`

func TestShowVerificationExits(t *testing.T) {
	t.Parallel()
	held := record.Verified{ID: "1", Criteria: []record.Result{{Outcome: record.Held}}}
	missed := record.Verified{ID: "2", Criteria: []record.Result{{Outcome: record.NotHeld}}}
	unproven := record.Verified{ID: "3", Findings: []record.Finding{{Rule: record.RuleUnproven}},
		Criteria: []record.Result{{Outcome: record.Held}}}
	for _, tt := range []struct {
		specs  []record.Verified
		strict bool
		want   int
	}{
		{[]record.Verified{held}, false, ExitHeld},
		{[]record.Verified{held, missed}, false, ExitNotHeld},
		{[]record.Verified{unproven}, false, ExitHeld},
		{[]record.Verified{unproven}, true, ExitNotHeld},
		{[]record.Verified{held, {ID: "4", Error: "bad"}}, false, ExitUsage},
		{nil, false, ExitNotYet},
	} {
		var out strings.Builder
		a := &App{Out: io.Discard}
		err := a.showVerification(newScreen(&out, nil), record.Verification{Specs: tt.specs}, verifyOptions{strict: tt.strict}, nil, nil)
		if got := exitCode(err); got != tt.want {
			t.Errorf("%+v, strict %v: exit %d, want %d", tt.specs, tt.strict, got, tt.want)
		}
	}
}
