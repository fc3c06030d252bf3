package prove

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"chant/runner/git"
)

// What the files that judge name at base judges, too; the product does not.
func TestFollow(t *testing.T) {
	t.Parallel()
	const tests = "t/lost.py"
	files := map[string]string{
		"app.py": "", "src/app.c": "", "lib/calc.js": "", "t/lost.py": "", "lib/plug.py": "", "tools/main.go": "", "tools/main_test.go": "",
		"ci/check": "python3 -m pytest -q t/lost.py\n", "ci/all": "# not app.py\ncc -o app src/app.c\nsh ci/check\n",
		"ci/helper.py": "", "setup.mjs": "", "setup.js": "", "hooks/load.js": "", "ci/wrap": "",
		"ci/run.py": "import helper\nimport app\nsubprocess.run(['sh', 'ci/all'])\n",
	}
	for _, tt := range []struct {
		script, name, content string // of a file that is there, too
		want                  string
	}{
		{"make test", "Makefile", "test:\n\t@sh ci/check\n", "ci/check"},
		{"make -s test", "Makefile", "RUN = ci/check\nlint:\n\tsh ci/run.py\ntest: build\n\t$(RUN)\nbuild: src/app.c\n\tcc -o app src/app.c\n", "ci/check"},
		{"make", "Makefile", ".PHONY: all\nall: one\none:\n\t$(MAKE) two\ntwo:\n\t./ci/check\n", "ci/check"},
		{"make test", "Makefile", "test:\n\t$(MAKE) test\n", ""},
		{"just test", "justfile", "test arg='x': \n    sh ci/check\n", "ci/check"},
		{"npm test", "package.json", `{"main": "lib/calc.js", "scripts": {"start": "node app.py", "pretest": "sh ci/wrap", "test": "npm run all", "all": "sh ci/all"}}`,
			"ci/all ci/check ci/wrap"},
		{"yarn run unit", "package.json", `{"scripts": {"unit": "FAST=1 ci/check"}}`, "ci/check"},
		{"sh ci/all", "x", "", "ci/all ci/check"},
		{"python3 ci/run.py", "x", "", "ci/all ci/helper.py ci/run.py"},
		{"go run ./tools", "x", "", "tools/main.go"},
		{"go test ./...", "x", "", ""},
		{"python3 -m lib.plug", "x", "", "lib/plug.py"},
		{"pytest t/lost.py", "conftest.py", "import app\npytest_plugins = [\n    'lib.plug',\n]\n", "lib/plug.py"},
		{"pytest t/lost.py", "pyproject.toml", "[tool.pytest.ini_options]\naddopts = \"-p lib.plug\"\n", "lib/plug.py"},
		{"pytest t/lost.py", "tox.ini", "[pytest]\naddopts =\n  -plib.plug\n", "lib/plug.py"},
		{"npx mocha", ".mocharc.yml", "require:\n  - ./setup\nspec: t/**\n", "setup.js setup.mjs"},
		{"npx mocha", "package.json", `{"main": "lib/calc.js", "mocha": {"require": ["./hooks/load.js"]}}`, "hooks/load.js"},
		{"npx jest", "jest.config.js", "module.exports = { collectCoverageFrom: ['app.py'], setupFiles: ['<rootDir>/setup.js'] }", "setup.js"},
		{"npx vitest run", "vitest.config.mts",
			"import load from './hooks/load'\nexport default { test: { include: ['lib/calc.js'], globalSetup: './setup.mjs' } }", "hooks/load.js setup.mjs"},
		{"cargo test", ".cargo/config.toml", "[target.x]\nrunner = \"ci/wrap\"\n", "ci/wrap"},
	} {
		base := tree{}
		for name := range files {
			base[name] = git.Content{Path: name, Mode: "100644"}
		}
		base[tt.name] = git.Content{Path: tt.name, Mode: "100644"}
		all := maps.Clone(files)
		all[tt.name] = tt.content
		c := calls{
			base: base, paths: base.paths(), tests: strings.Fields(tests), content: func(name string) string { return all[name] },
			judges: map[string]bool{}, followed: map[call]bool{},
		}
		var r reading
		c.read(&r, tt.script, ".", false)
		c.follow(r)
		c.readConfigs()
		if got := strings.Join(slices.Sorted(maps.Keys(c.judges)), " "); got != tt.want {
			t.Errorf("%s with %s: got %q, want %q", tt.script, tt.name, got, tt.want)
		}
	}
}

// Reading a Makefile or a script ends, whatever is in it.
func FuzzFollow(f *testing.F) {
	f.Add("make test", "test: test\n\t$(A)\nA = $(A) $(A)\n")
	f.Add("npm test", `{"scripts": {"test": "npm test"}}`)
	f.Add("cd x; python3 -m run -c 'sh ci' | . ./x", "x:\n")
	f.Fuzz(func(t *testing.T, script, content string) {
		base := tree{}
		for _, name := range []string{"Makefile", "package.json", "ci/run.py", "t/lost.sh"} {
			base[name] = git.Content{Path: name, Mode: "100644"}
		}
		c := calls{
			base: base, paths: base.paths(), tests: []string{"t/lost.sh"}, content: func(string) string { return content },
			judges: map[string]bool{}, followed: map[call]bool{},
		}
		var r reading
		c.read(&r, script, ".", false)
		c.follow(r)
		c.readConfigs()
		if c.judges["t/lost.sh"] {
			t.Errorf("%q with %q: the test is among what runs it", script, content)
		}
	})
}
