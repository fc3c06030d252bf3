package runner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chant/runner/project"
	"chant/spec"
)

// builtIn reads chant's own templates for a bug.
func builtIn(t interface {
	Helper()
	Fatal(args ...any)
}, b Bug,
) map[string]string {
	t.Helper()
	templates := map[string]string{}
	for _, name := range b.Templates() {
		src, err := os.ReadFile(filepath.Join("../cmd/template/templates", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		templates[name] = string(src)
	}
	return templates
}

func TestScaffoldPaths(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bug  Bug
		want []string
	}{
		"phases": {
			Bug{Issue: "42", Title: "t", Number: 7, Test: "t.sh"},
			[]string{
				".chant/specs/007-comprehension.md", ".chant/specs/008-reproduction.md", ".chant/specs/009-root-cause.md",
				".chant/specs/010-impact-map.md", ".chant/specs/011-fix.md", ".chant/specs/012-upstream-pr.md",
				".chant/research/issue-42-comprehension.md", ".chant/research/issue-42-root-cause.md",
				".chant/research/issue-42-impact.md", ".chant/research/issue-42-pull-request.md",
			},
		},
		"single, with an empty report": {
			Bug{Issue: "GH-7", Title: "t", Number: 1000, Name: "typo", Test: "t.sh", Report: []byte{}},
			[]string{".chant/specs/1000-typo.md", ".chant/research/issue-GH-7-cause.md", ".chant/research/issue-GH-7-report.md"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, err := Scaffold(tc.bug, builtIn(t, tc.bug))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range plan.Files {
				got = append(got, f.Path)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScaffoldRefuses(t *testing.T) {
	t.Parallel()
	good := Bug{Issue: "42", Title: "t", Number: 1, Test: "a/b_test.go"}
	for name, change := range map[string]func(b *Bug){
		"no issue":               func(b *Bug) { b.Issue = "" },
		"an issue in words":      func(b *Bug) { b.Issue = "forty two" },
		"an issue with a path":   func(b *Bug) { b.Issue = "../1" },
		"an issue without end":   func(b *Bug) { b.Issue = strings.Repeat("1", 19) },
		"a blank title":          func(b *Bug) { b.Title = " \n\t" },
		"no test":                func(b *Bug) { b.Test = "" },
		"the root as test":       func(b *Bug) { b.Test = "a/.." },
		"an absolute test":       func(b *Bug) { b.Test = "/t.sh" },
		"a test outside":         func(b *Bug) { b.Test = "../t.sh" },
		"a test in .chant":       func(b *Bug) { b.Test = ".chant/specs/t.sh" },
		"a test in .git":         func(b *Bug) { b.Test = ".git/hooks/t.sh" },
		"a test like a flag":     func(b *Bug) { b.Test = "-t.sh" },
		"a test with a blank":    func(b *Bug) { b.Test = "a b.sh" },
		"a test with a line":     func(b *Bug) { b.Test = "a\nb.sh" },
		"a test with a quote":    func(b *Bug) { b.Test = "it's.sh" },
		"a test that is a glob":  func(b *Bug) { b.Test = "*.sh" },
		"a file outside":         func(b *Bug) { b.Files = []string{"ok.go", "../x"} },
		"a file that is no text": func(b *Bug) { b.Files = []string{"a\xff"} },
		"a file with a line":     func(b *Bug) { b.Files = []string{"a\nb"} },
		"another scheme":         func(b *Bug) { b.URL = "file:///etc/passwd" },
		"an address of nothing":  func(b *Bug) { b.URL = "https://" },
		"an address in markup":   func(b *Bug) { b.URL = "https://e.example/> x" },
		"an address with a line": func(b *Bug) { b.URL = "https://e.example/\nx" },
		"an address for a shell": func(b *Bug) { b.URL = "https://e.example/'x" },
		"an address with a word": func(b *Bug) { b.URL = "https://ada:pass@e.example/" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := good
			change(&b)
			plan, err := Scaffold(b, builtIn(t, b))
			if _, ok := err.(*project.UsageError); !ok || len(plan.Files) > 0 {
				t.Errorf("%+v: %d files, error %v, want a UsageError", b, len(plan.Files), err)
			}
		})
	}
	if _, err := Scaffold(good, builtIn(t, good)); err != nil {
		t.Errorf("without the change: %v", err)
	}
}

func TestTestRun(t *testing.T) {
	t.Parallel()
	for test, want := range map[string]string{
		"tests/regression/issue_42_test.go": "go test -count=1 -run '^TestIssueGH42$' ./tests/regression",
		"issue_test.go":                     "go test -count=1 -run '^TestIssueGH42$' .",
		"tests/test_x.py":                   "python3 -m pytest -q tests/test_x.py",
		"x_test.py":                         "python3 -m pytest -q x_test.py",
		"web/a.test.mjs":                    "node --test web/a.test.mjs",
		"a.test.ts":                         "node --test a.test.ts",
		"tests/issue_42.rs":                 "cargo test --test issue_42",
		"crates/a/tests/issue_42.rs":        "false # write here the command that runs crates/a/tests/issue_42.rs",
		"x.py":                              "false # write here the command that runs x.py",
		"a.test.jsx":                        "false # write here the command that runs a.test.jsx",
		"contest.js":                        "false # write here the command that runs contest.js",
	} {
		if got, _ := (Bug{Issue: "GH-42", Test: test}).testRun(); got != want {
			t.Errorf("%s: got %q, want %q", test, got, want)
		}
	}
}

// TestFailurePattern takes what the runners print: of a failure by the test's
// own message, and of others where that message stands all the same, as source
// or as a name.
func TestFailurePattern(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		test, output string
		want         bool
	}{
		"go":          {"x_test.go", "--- FAIL: TestIssue42 (0.00s)\n    x_test.go:9: issue 42: want 2, got 1\nFAIL\n", true},
		"go, another": {"x_test.go", "--- FAIL: TestIssue42 (0.00s)\n    x_test.go:9: opening: no such file\nFAIL\n", false},
		"cargo":       {"tests/issue_42.rs", "thread 'lost' panicked at tests/issue_42.rs:3:5:\nissue 42: want 2\n", true},
		"cargo, both": {"tests/issue_42.rs", "assertion `left == right` failed: issue 42: want 2\n  left: 1\n right: 2\n", true},
		"pytest": {"test_x.py", ">       assert got == 2, \"issue 42: want 2\"\n" +
			"E       AssertionError: issue 42: want 2\nE       assert 1 == 2\n", true},
		"pytest, another": {"test_x.py", ">       assert nope == 2, \"issue 42: want 2\"\n" +
			"E       NameError: name 'nope' is not defined\n", false},
		"node, spec":    {"x.test.js", "✖ lost (1.2ms)\n  AssertionError [ERR_ASSERTION]: issue 42: want 2\n", true},
		"node, TAP":     {"x.test.js", "not ok 1 - lost\n  ---\n  error: 'issue 42: want 2'\n", true},
		"node, lines":   {"x.test.js", "not ok 1 - lost\n  ---\n  error: |-\n    issue 42: want 2\n    got 1\n", true},
		"node, another": {"x.test.js", "not ok 1 - issue 42: lost\n  ---\n  error: 'nope is not defined'\n", false},
		"node, source": {"x.test.js", "file:///x.test.js:3\n  nope(\"issue 42: want 2\")\n  ^\n\n" +
			"ReferenceError: nope is not defined\n", false},
		"another issue": {"x_test.go", "    x_test.go:9: issue 421: want 2, got 1\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, pattern := Bug{Issue: "42", Test: tc.test}.testRun()
			if got := regexp.MustCompile(pattern).MatchString(tc.output); got != tc.want {
				t.Errorf("%s matches: %v, want %v", pattern, got, tc.want)
			}
		})
	}
}

func TestDefaultTest(t *testing.T) {
	t.Parallel()
	for marker, want := range map[string]string{
		"go.mod":         "tests/regression/issue_gh_42_test.go",
		"pyproject.toml": "tests/regression/test_issue_gh_42.py",
		"setup.cfg":      "tests/regression/test_issue_gh_42.py",
		"package.json":   "tests/regression/issue_gh_42.test.js",
		"Cargo.toml":     "tests/issue_gh_42.rs",
		"README.md":      "",
	} {
		got := DefaultTest("GH-42", func(name string) bool { return name == marker })
		if got != want {
			t.Errorf("%s: got %q, want %q", marker, got, want)
		}
		if command, _ := (Bug{Issue: "GH-42", Test: got}).testRun(); want != "" && strings.HasPrefix(command, noCommand) {
			t.Errorf("%s: nobody knows how %s is run", marker, got)
		}
	}
}

func drawBug(t *rapid.T) Bug {
	markup := rapid.SampledFrom([]string{
		"Agent Output", "Acceptance Criteria", "- [x] done", "```", "~~~", "# #", "---", "key: \"value\"", "'", "{{issue.id}}", "{{", "-->",
		"[x](y)", "<b>", "\\", "`a`", "\x1b[2J", "\u202e", "\x00", "\xff", "世界", "&amp;", "%s", "| a |", "é", strings.Repeat("long ", 40),
	})
	text := rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(markup, rapid.String()), 1, 5).Draw(t, "parts")
		return strings.Join(parts, rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "glue"))
	})
	files := rapid.SampledFrom([]string{"a/**", "*.go", "{a,b}.go", "a: b #c", "'", `"`, "null", "é", "a\u2028b"})
	b := Bug{
		Issue:  rapid.StringMatching(`([A-Za-z][A-Za-z0-9]{0,9}-)?[0-9]{1,18}`).Draw(t, "issue"),
		Title:  text.Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "title"),
		Number: rapid.IntRange(1, 99999).Draw(t, "number"),
		Name:   rapid.SampledFrom([]string{"", "typo-世界"}).Draw(t, "name"),
		Test:   rapid.SampledFrom([]string{"a/x_test.go", "test_x.py", "é@1+2.test.js", "tests/x.rs", "true", ".x", "1.5"}).Draw(t, "test"),
		Files:  rapid.SliceOf(files).Draw(t, "files"),
		URL:    rapid.SampledFrom([]string{"", "https://e.example/i/42?a[]=b&c=%20#x", "http://[::1]:8080/(a)!$*+,;@"}).Draw(t, "url"),
	}
	if rapid.Bool().Draw(t, "reported") {
		b.Report = []byte(text.Draw(t, "report"))
	}
	return b
}

// TestScaffoldProperty wants specs that read as they were meant, whatever was
// said of the bug.
func TestScaffoldProperty(t *testing.T) {
	t.Parallel()
	criteria := map[string]int{"comprehension": 2, "reproduction": 2, "root-cause": 4, "impact-map": 4, "fix": 2, "upstream": 2}
	rapid.Check(t, func(t *rapid.T) {
		b := drawBug(t)
		plan, err := Scaffold(b, builtIn(t, b))
		if err != nil {
			t.Fatal(err)
		}
		var specs []*spec.Spec
		problems := map[string]spec.Problems{}
		for _, f := range plan.Files {
			if !utf8.Valid(f.Data) || bytes.ContainsAny(f.Data, "\x00\x1b\u202e\u2028") {
				t.Errorf("%s holds bytes that nobody sees", f.Path)
			}
			if !strings.HasPrefix(f.Path, project.SpecsDir+"/") {
				continue
			}
			s, found := spec.Parse(f.Path, f.Data)
			specs, problems[f.Path] = append(specs, s), found
		}
		set := spec.NewSet(specs)
		for _, p := range spec.Lint(set, spec.Inspect(set, spec.Config{}, problems)) {
			t.Errorf("lint: %v", p)
		}
		title := strings.Join(strings.Fields(spec.Visible(b.Title)), " ")
		for i, s := range specs {
			if want := fmt.Sprintf(" issue %s: %s", b.Issue, title); !strings.HasSuffix(s.Title, want) {
				t.Errorf("title %q, want the end %q", s.Title, want)
			}
			want := criteria[s.Phase]
			if b.Name != "" {
				want = 3
			}
			if len(s.Criteria) != want || s.Ticked() > 0 {
				t.Errorf("%s: criteria %v, want %d, all open", s.ID, s.Criteria, want)
			}
			if s.Approval.Required != (s.Phase == "upstream") {
				t.Errorf("%s: approval %v", s.ID, s.Approval)
			}
			if needs := set.Dependencies(s); i == 0 && len(needs) > 0 || i > 0 && (len(needs) != 1 || needs[0] != specs[i-1]) {
				t.Errorf("%s depends on %v", s.ID, s.DependsOn)
			}
		}
		if b.Name == "" {
			checkPhases(t, b, specs)
		}
		checkReport(t, b, plan)
	})
}

// checkPhases looks at what makes the six phases a proof.
func checkPhases(t *rapid.T, b Bug, specs []*spec.Spec) {
	red := specs[1].Criteria[1].Check
	command, _ := b.testRun()
	if !red.ExpectFail || red.Repeat != 20 || red.Match == nil || red.Script != command+"\n" || red.At != spec.AtPhase {
		t.Errorf("the reproduction's check is %+v", red)
	}
	green := specs[4].Criteria[0].Check
	if green.ExpectFail || green.Repeat != 20 || green.Script != red.Script {
		t.Errorf("the fix's check is %+v", green)
	}
	if !specs[1].Targets(b.Test) {
		t.Errorf("the reproduction may not write %s", b.Test)
	}
	if want := fmt.Sprintf("chant prove --worktree %s %s\n", specs[1].ID, specs[4].ID); specs[4].Criteria[1].Check.Script != want {
		t.Errorf("the proof is %q, want %q", specs[4].Criteria[1].Check.Script, want)
	}
	var targets []string
	for _, item := range specs[4].TargetFiles {
		targets = append(targets, item.Value)
	}
	if diff := cmp.Diff(append([]string{}, b.Files...), append([]string{}, targets...)); diff != "" {
		t.Errorf("the fix's target files: %s", diff)
	}
}

// checkReport wants the report in its own file, as one block of code, and
// nowhere else.
func checkReport(t *rapid.T, b Bug, plan Plan) {
	bare := b
	bare.Report = nil
	without, err := Scaffold(bare, builtIn(t, bare))
	if err != nil {
		t.Fatal(err)
	}
	rest := plan.Files
	if b.Report != nil {
		last := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		doc, problems := spec.ParseDocument(last.Path, last.Data)
		if len(problems) > 0 || len(doc.Headings) != 1 || doc.Headings[0].Empty || len(doc.Tables)+len(doc.Refs) > 0 {
			t.Errorf("the report reads as %+v, %v", doc, problems)
		}
		s, _ := spec.Parse(last.Path, append(last.Data, "\n## Acceptance Criteria\n\n- [ ] after it\n"...))
		if len(s.Criteria) != 1 || s.Criteria[0].Text != "after it" {
			t.Errorf("after the report: criteria %v", s.Criteria)
		}
	}
	for i, f := range without.Files {
		if i > 0 && !bytes.Equal(f.Data, rest[i].Data) {
			t.Errorf("the report changes %s", f.Path)
		}
	}
	first, _ := spec.Parse(rest[0].Path, rest[0].Data)
	bareFirst, _ := spec.Parse(rest[0].Path, without.Files[0].Data)
	if first.Digest() != bareFirst.Digest() {
		t.Errorf("the report changes the criteria of %s", first.ID)
	}
}
