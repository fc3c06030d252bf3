package prove

import (
	"testing"

	"chant/runner/record"
	"chant/spec"
)

func TestClass(t *testing.T) {
	t.Parallel()
	fix, problems := spec.Parse(".chant/specs/005.md", []byte("---\ntarget_files: [src/**, go.mod, Makefile, package.json, run.sh]\n---\n"))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	c := classifier{
		test:   func(name string) bool { return name == "tests/bug/bug_test.go" || name == "tests/conftest.py" },
		fix:    fix,
		judges: []string{"run.sh", "src/real"},
	}
	for _, tt := range []struct {
		name, before, after string
		want                record.PathClass
	}{
		{".chant/specs/005.md", "", "", record.ClassSpec},
		{".chant/archive/old/001.md", "", "", record.ClassSpec},
		{".chant/research/cause.md", "", "", record.ClassSpec},
		{".chant/config.md", "", "", record.ClassHarness},
		{".chant/prompts/standard.md", "", "", record.ClassHarness},
		{"tests/bug/bug_test.go", "a", "b", record.ClassTest},
		{"tests/conftest.py", "a", "b", record.ClassTest}, // put back: it can't judge
		{"conftest.py", "", "b", record.ClassHarness},
		{"src/deep/conftest.py", "", "b", record.ClassHarness},
		{"Makefile", "a", "b", record.ClassHarness},
		{"src/Makefile", "a", "b", record.ClassHarness},
		{".github/workflows/ci.yml", "a", "b", record.ClassHarness},
		{"run.sh", "a", "b", record.ClassHarness},
		{"src/real", "a", "b", record.ClassHarness},
		{"src/real/test.c", "a", "b", record.ClassHarness},
		{"src/really", "a", "b", record.ClassFix},
		{"tests/bug/main_test.go", "", "b", record.ClassTest},
		{"tests/bug/testdata/in", "a", "b", record.ClassTest},
		{"tests/other/other_test.go", "a", "b", record.ClassTest},
		{"tests/helpers/retry.py", "a", "b", record.ClassTest},
		{"tests/helpers/new.py", "", "b", record.ClassTest},
		{"src/testutil/equal.go", "a", "b", record.ClassTest},
		{"src/testutil/new.go", "", "b", record.ClassTest},
		{"src/test_helpers.py", "a", "b", record.ClassTest},
		{"src/attest/testutility.go", "a", "b", record.ClassFix},
		{"src/spec/mocks/testing/support.go", "a", "b", record.ClassFix}, // names of code too
		{"src/__mocks__/clock.js", "", "b", record.ClassHarness},
		{"src/.pytest.ini", "a", "b", record.ClassHarness},
		{"pytest.toml", "", "b", record.ClassHarness},
		{"vite.config.ts", "a", "b", record.ClassHarness},
		{".npmrc", "", "b", record.ClassHarness},
		{"src/.cargo/config", "a", "b", record.ClassHarness},
		{"src/rules.mk", "a", "b", record.ClassHarness},
		{"src/deep/a.test.mjs", "", "b", record.ClassTest},
		{"src/store_test.go", "", "b", record.ClassTest},
		{"src/store.go", "a", "b", record.ClassFix},
		{"README.md", "a", "b", record.ClassOther},
		{"go.mod", "module m\nrequire a.b/c v1.0.0\n", "module m\nrequire a.b/c v1.1.0\n", record.ClassFix},
		{"go.mod", "module m\n", "module m\nreplace a.b/c => ./fake\n", record.ClassHarness},
		{"setup.cfg", "[metadata]\nversion = 1\n", "[metadata]\nversion = 2\n", record.ClassOther},
	} {
		if got := c.class(tt.name, []byte(tt.before), []byte(tt.after)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
