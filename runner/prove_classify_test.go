package runner

import (
	"testing"

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
		want                PathClass
	}{
		{".chant/specs/005.md", "", "", ClassSpec},
		{".chant/archive/old/001.md", "", "", ClassSpec},
		{".chant/research/cause.md", absent, "", ClassSpec},
		{".chant/config.md", "", "", ClassHarness},
		{".chant/prompts/standard.md", "", "", ClassHarness},
		{"tests/bug/bug_test.go", "a", "b", ClassTest},
		{"tests/conftest.py", "a", "b", ClassTest}, // put back: it can't judge
		{"conftest.py", absent, "b", ClassHarness},
		{"src/deep/conftest.py", absent, "b", ClassHarness},
		{"Makefile", "a", "b", ClassHarness},
		{"src/Makefile", "a", "b", ClassHarness},
		{".github/workflows/ci.yml", "a", "b", ClassHarness},
		{"run.sh", "a", "b", ClassHarness},
		{"src/real", "a", "b", ClassHarness},
		{"src/real/test.c", "a", "b", ClassHarness},
		{"src/really", "a", "b", ClassFix},
		{"tests/bug/main_test.go", absent, "b", ClassHarness},
		{"tests/bug/testdata/in", "a", "b", ClassHarness},
		{"tests/other/other_test.go", "a", "b", ClassTest},
		{"tests/helpers/retry.py", "a", "b", ClassHarness},
		{"tests/helpers/new.py", absent, "b", ClassTest}, // the old test can't know it
		{"src/testutil/equal.go", "a", "b", ClassHarness},
		{"src/testutil/new.go", absent, "b", ClassTest},
		{"src/test_helpers.py", "a", "b", ClassHarness},
		{"src/attest/testutility.go", "a", "b", ClassFix},
		{"src/spec/mocks/testing/support.go", "a", "b", ClassFix}, // names of code too
		{"src/__mocks__/clock.js", absent, "b", ClassHarness},
		{"src/.pytest.ini", "a", "b", ClassHarness},
		{"pytest.toml", absent, "b", ClassHarness},
		{"vite.config.ts", "a", "b", ClassHarness},
		{".npmrc", absent, "b", ClassHarness},
		{"src/.cargo/config", "a", "b", ClassHarness},
		{"src/rules.mk", "a", "b", ClassHarness},
		{"src/deep/a.test.mjs", absent, "b", ClassTest},
		{"src/store_test.go", absent, "b", ClassTest},
		{"src/store.go", "a", "b", ClassFix},
		{"README.md", "a", "b", ClassOther},
		{"go.mod", "module m\nrequire a v1\n", "module m\nrequire a v2\n", ClassFix},
		{"go.mod", "module m\n", "module m\nreplace a => ./fake\n", ClassHarness},
		{"go.mod", "module m\nreplace (\n\ta => b v1\n)\n", "module m\nreplace (\n\ta => c v1\n)\n", ClassHarness},
		{"package.json", `{"version":"1","scripts":{"test":"jest"}}`, `{"version":"2","scripts":{"test":"jest"}}`, ClassFix},
		{"package.json", `{"scripts":{"test":"jest"}}`, `{"scripts":{"test":"true"}}`, ClassHarness},
		{"package.json", `{"scripts":{}}`, `{`, ClassHarness},
		{"pyproject.toml", "[project]\nname='a'\n[tool.pytest.ini_options]\nx=1\n", "[project]\nname='b'\n[tool.pytest.ini_options]\nx=1\n", ClassOther},
		{"pyproject.toml", "[tool.pytest.ini_options]\nx=1\n", "[tool.pytest.ini_options]\nx=1\n\naddopts='-k nothing'\n", ClassHarness},
		{"src/Cargo.toml", "[package]\nversion = '1'\n[dependencies]\na = '1'\n", "[package]\nversion = '2'\n\n[dependencies] # two\na = '2'\n", ClassFix},
		{"src/Cargo.toml", "[target.'cfg(unix)'.dependencies.a]\n", "[target.'cfg(unix)'.dependencies.a]\nversion = '2'\n", ClassFix},
		{"src/Cargo.toml", "[dependencies]\n", "[dependencies]\n [[test]]\nname = 'lost'\npath = 'src/easy.rs'\n", ClassHarness},
		{"src/Cargo.toml", "[package]\n", "lib.path = 'src/fake.rs'\n[package]\n", ClassHarness},
		{"src/Cargo.toml", "[package]\n", "[package]\nautotests = false\n", ClassHarness},
		{"src/Cargo.toml", "[profile.test]\n", "[profile.test]\ndebug-assertions = false\n", ClassHarness},
	} {
		content := func(text string) func() []byte {
			return func() []byte {
				return []byte(text)
			}
		}
		if got := c.class(tt.name, tt.before != absent, content(tt.before), content(tt.after)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	c.tests = nil
	if got := c.class("src/store_test.go", false, func() []byte { return nil }, func() []byte { return nil }); got != ClassHarness {
		t.Errorf("a test, where no test file is known: got %s, want %s", got, ClassHarness)
	}
}
