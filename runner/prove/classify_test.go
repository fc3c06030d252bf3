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
		tests:  []string{"tests/bug/bug_test.go"},
		judges: []string{"run.sh", "src/real"},
	}
	const absent = "\x00"
	for _, tt := range []struct {
		name, before, after string
		want                record.PathClass
	}{
		{".chant/specs/005.md", "", "", record.ClassSpec},
		{".chant/archive/old/001.md", "", "", record.ClassSpec},
		{".chant/research/cause.md", absent, "", record.ClassSpec},
		{".chant/config.md", "", "", record.ClassHarness},
		{".chant/prompts/standard.md", "", "", record.ClassHarness},
		{"tests/bug/bug_test.go", "a", "b", record.ClassTest},
		{"tests/conftest.py", "a", "b", record.ClassTest}, // put back: it can't judge
		{"conftest.py", absent, "b", record.ClassHarness},
		{"src/deep/conftest.py", absent, "b", record.ClassHarness},
		{"Makefile", "a", "b", record.ClassHarness},
		{"src/Makefile", "a", "b", record.ClassHarness},
		{".github/workflows/ci.yml", "a", "b", record.ClassHarness},
		{"run.sh", "a", "b", record.ClassHarness},
		{"src/real", "a", "b", record.ClassHarness},
		{"src/real/test.c", "a", "b", record.ClassHarness},
		{"src/really", "a", "b", record.ClassFix},
		{"tests/bug/main_test.go", absent, "b", record.ClassHarness},
		{"tests/bug/testdata/in", "a", "b", record.ClassHarness},
		{"tests/other/other_test.go", "a", "b", record.ClassTest},
		{"tests/helpers/retry.py", "a", "b", record.ClassHarness},
		{"tests/helpers/new.py", absent, "b", record.ClassTest}, // the old test can't know it
		{"src/testutil/equal.go", "a", "b", record.ClassHarness},
		{"src/testutil/new.go", absent, "b", record.ClassTest},
		{"src/test_helpers.py", "a", "b", record.ClassHarness},
		{"src/attest/testutility.go", "a", "b", record.ClassFix},
		{"src/spec/mocks/testing/support.go", "a", "b", record.ClassFix}, // names of code too
		{"src/__mocks__/clock.js", absent, "b", record.ClassHarness},
		{"src/.pytest.ini", "a", "b", record.ClassHarness},
		{"pytest.toml", absent, "b", record.ClassHarness},
		{"vite.config.ts", "a", "b", record.ClassHarness},
		{".npmrc", absent, "b", record.ClassHarness},
		{"src/.cargo/config", "a", "b", record.ClassHarness},
		{"src/rules.mk", "a", "b", record.ClassHarness},
		{"src/deep/a.test.mjs", absent, "b", record.ClassTest},
		{"src/store_test.go", absent, "b", record.ClassTest},
		{"src/store.go", "a", "b", record.ClassFix},
		{"README.md", "a", "b", record.ClassOther},
		{"go.mod", "module m\nrequire a v1\n", "module m\nrequire a v2\n", record.ClassFix},
		{"go.mod", "module m\n", "module m\nreplace a => ./fake\n", record.ClassHarness},
		{"go.mod", "module m\nreplace (\n\ta => b v1\n)\n", "module m\nreplace (\n\ta => c v1\n)\n", record.ClassHarness},
		{"package.json", `{"version":"1","scripts":{"test":"jest"}}`, `{"version":"2","scripts":{"test":"jest"}}`, record.ClassFix},
		{"package.json", `{"scripts":{"test":"jest"}}`, `{"scripts":{"test":"true"}}`, record.ClassHarness},
		{"package.json", `{"scripts":{}}`, `{`, record.ClassHarness},
		{
			"pyproject.toml", "[project]\nname='a'\n[tool.pytest.ini_options]\nx=1\n",
			"[project]\nname='b'\n[tool.pytest.ini_options]\nx=1\n", record.ClassOther,
		},
		{"pyproject.toml", "[tool.pytest.ini_options]\nx=1\n", "[tool.pytest.ini_options]\nx=1\n\naddopts='-k nothing'\n", record.ClassHarness},
		{
			"src/Cargo.toml", "[package]\nversion = '1'\n[dependencies]\na = '1'\n",
			"[package]\nversion = '2'\n\n[dependencies] # two\na = '2'\n", record.ClassFix,
		},
		{"src/Cargo.toml", "[target.'cfg(unix)'.dependencies.a]\n", "[target.'cfg(unix)'.dependencies.a]\nversion = '2'\n", record.ClassFix},
		{"src/Cargo.toml", "[dependencies]\n", "[dependencies]\n [[test]]\nname = 'lost'\npath = 'src/easy.rs'\n", record.ClassHarness},
		{"src/Cargo.toml", "[package]\n", "lib.path = 'src/fake.rs'\n[package]\n", record.ClassHarness},
		{"src/Cargo.toml", "[package]\n", "[package]\nautotests = false\n", record.ClassHarness},
		{"src/Cargo.toml", "[profile.test]\n", "[profile.test]\ndebug-assertions = false\n", record.ClassHarness},
	} {
		if got := c.class(tt.name, tt.before != absent, []byte(tt.before), []byte(tt.after)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	c.tests = nil
	if got := c.class("src/store_test.go", false, nil, nil); got != record.ClassHarness {
		t.Errorf("a test, where no test file is known: got %s, want %s", got, record.ClassHarness)
	}
}
