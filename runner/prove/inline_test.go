package prove

import (
	"strings"
	"testing"

	"chant/runner/record"
)

func TestHoldsTests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, content string
		want          bool
	}{
		{"src/lib.rs", "fn add() {}\n\n#[cfg(test)]\nmod tests {\n}\n", true},
		{"src/lib.rs", "#[tokio::test]\nasync fn t() {}\n", true},
		{"src/lib.rs", "/// Adds.\n///\n/// ```\n/// assert_eq!(x::add(2, 3), 5);\n/// ```\npub fn add() {}\n", true},
		{"src/lib.rs", "// ``` in a comment\npub fn add() {}\n", false},
		{"tests/issue.rs", "#[test]\nfn t() {}\n", false},
		{"src/calc/tests.rs", "#[test]\nfn t() {}\n", false},
		{"lib/calc.py", "def add(a, b):\n    \"\"\"Adds.\n\n    >>> add(2, 3)\n    5\n    \"\"\"\n", true},
		{"lib/calc.py", "def add(a, b):\n    return a >> b\n", false},
		{"src/calc.ts", "if (import.meta.vitest) {}\n", true},
		{"src/calc.mts", "export const add = 1\n", false},
		{"src/calc.zig", "fn add() void {}\ntest \"add\" {}\n", true},
		{"calc.go", "#[cfg(test)]\n", false},
	} {
		if got := holdsTests(tt.name, []byte(tt.content)); got != tt.want {
			t.Errorf("%s, %q: got %v, want %v", tt.name, tt.content, got, tt.want)
		}
	}
}

// A test that shares a file with the code is not compared, and not shown as intact.
func TestProveSharedFile(t *testing.T) {
	t.Parallel()
	const inline, check = "#[cfg(test)]\n", `expect=fail match="value is wrong"`
	reader := "# the tests\nif ! grep -q right src/lib.rs; then echo value is wrong; exit 1; fi\n"
	fix := []string{"src/lib.rs", "right\n" + inline, "value.txt", "wrong\n"}
	for _, tt := range []struct {
		name, targets, script string
		want                  record.ProofVerdict
	}{
		{"the test's target", "target_files: [t/**, src/lib.rs]\n", "sh t/test.sh", record.NotProvable},
		{"no target", "", "sh t/test.sh", record.NotProvable},
		{"examples in the documentation", "target_files: t/**\n", "sh t/test.sh --doctest", record.NotProvable},
		{"a test of its own", "target_files: t/**\n", "sh t/test.sh", record.Proven},
	} {
		commits := atBase(story(fix...), "src/lib.rs", "wrong\n"+inline, "t/test.sh", reader,
			".chant/specs/002.md", specOf("R", tt.targets, check, tt.script))
		got := newRepo(t, commits...).prove(t, Options{})
		if got.Verdict != tt.want {
			t.Errorf("%s: got %s: %s", tt.name, got.Verdict, got.Reason)
		}
		if tt.want == record.Proven {
			continue
		}
		if !strings.Contains(got.Reason, "src/lib.rs") || got.Intact.Same && tt.targets == "" || !strings.Contains(table(got), "-intact\n") {
			t.Errorf("%s: got %s, intact %+v\n%s", tt.name, got.Reason, got.Intact, table(got))
		}
	}
}
