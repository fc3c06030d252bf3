package prove

import (
	"slices"
	"strings"
	"testing"

	"chant/runner/git"
	"chant/runner/record"
)

func TestNewVersion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rest, before, after string
		want                bool
	}{
		{"github.com/a/assert/equal.go", "require github.com/a/assert v1.0.0\n", "require github.com/a/assert v1.1.0\n", true},
		{"github.com/a/assert/equal.go", "", "require (\n\tgithub.com/a/assert v1.1.0 // indirect\n)\n", true},
		{"github.com/a/assert/equal.go", "", "require github.com/a/other v1.1.0\n", false},
		{"github.com/a/assert/equal.go", "", "// github.com/a/assert v1.1.0\n", false},
		{"github.com/a/assert/equal.go", "require github.com/a/assert v1.0.0\n", "module m\n\n\trequire github.com/a/assert v1.0.0\n", false},
		{"chai/lib/chai.js", `"chai": "4.1.0",` + "\n", `"chai": "^4.2.0",` + "\n", true},
		{"chai/lib/chai.js", "", `"resolved": "https://registry.example/chai/-/chai-4.2.0.tgz",` + "\n", true},
		{"chai/lib/chai.js", "", `"chai-http": "^4.2.0",` + "\n", false},
		{"@a/chai/lib/chai.js", "", `"@a/chai": "^4.2.0",` + "\n", true},
		{"six.py", "six==1.0\n", "six==1.1\n", true},
		{"six.py", "", "# six==1.1\n", false},
	} {
		if got := newVersion(tt.rest, newLines(tt.before, tt.after)); got != tt.want {
			t.Errorf("%s, %q to %q: got %v, want %v", tt.rest, tt.before, tt.after, got, tt.want)
		}
	}
}

func TestVendoredIn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"vendor/a.b/c/d.go":          ". a.b/c/d.go",
		"web/node_modules/chai/x.js": "web chai/x.js",
		"src/app/_vendor/six.py":     "src/app six.py",
		"src/vendors/a.go":           "",
		"vendor":                     "",
	} {
		parent, rest, ok := vendoredIn(name)
		if got := strings.TrimSpace(parent + " " + rest); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestShadows(t *testing.T) {
	t.Parallel()
	base := tree{}
	for name := range strings.FieldsSeq("lib/calc.py tests/test_calc.py yaml/__init__.py") {
		base[name] = git.Content{Path: name, Mode: "100644"}
	}
	c := calls{base: base, tests: []string{"tests/test_calc.py"}}
	for added, want := range map[string]bool{
		"pytest/__main__.py":    true, // -m pytest
		"pluggy.py":             true, // the runner's own
		"tests/numpy/linalg.py": true, // the test's
		"src/numpy.py":          true,
		"yaml/loader.py":        false, // base has the package
		"lib/numpy2.py":         false,
		"app/pluggy.py":         false, // app.pluggy
	} {
		c.paths = append(base.paths(), added)
		shadows := c.shadows(imports([]string{"import yaml\nimport os.path, numpy\nfrom calc import add\n"}))
		got := classifier{judges: shadows}.judging(added)
		if got != want {
			t.Errorf("%s: got %v, want %v", added, got, want)
		}
	}
}

// Copied packages and compiled files are as of base, unless their version is another.
func TestProveTrustedCode(t *testing.T) {
	t.Parallel()
	test := "test \"$(sh vendor/example.com/assert/equal.sh value.txt)\" = right || { echo value is wrong; exit 1; }\n"
	fix := strings.Replace(specFix, "[value.txt, ", "['**', ", 1)
	const was, lies, module = "cat $1\n", "cat $1 >/dev/null; echo right\n", "module m\nrequire example.com/assert v1.0.0\n"
	at := "vendor/example.com/assert/equal.sh"
	for _, tt := range []struct {
		name    string
		changes []string
		want    record.ProofVerdict
	}{
		{"disarmed", []string{"value.txt", "wrong\n", at, lies}, record.NotProvable},
		{"disarmed, with another module's version",
			[]string{"value.txt", "wrong\n", at, lies, "go.mod", module + "require example.com/other v1.0.0\n"}, record.NotProvable},
		{"changed beside the fix", []string{at, was + "# more\n"}, record.Proven},
		{"compiled", []string{"value.txt", "wrong\n", "lib/x.pyc", "x"}, record.NotFixed},
		{"a new version", []string{at, was + "# new\n", "go.mod", strings.Replace(module, "v1.0", "v1.1", 1)}, record.Proven},
	} {
		commits := atBase(story(append(tt.changes, ".chant/specs/005.md", fix)...), "t/test.sh", test, at, was, "go.mod", module)
		got := newRepo(t, commits...).prove(t, Options{})
		if got.Verdict != tt.want {
			t.Errorf("%s: got %s: %s", tt.name, got.Verdict, got.Reason)
		}
		put := slices.Contains(got.Harness, at)
		if want := slices.Contains(tt.changes, at) && tt.name != "a new version"; put != want {
			t.Errorf("%s: put back %v, want %v", tt.name, put, want)
		}
	}
}
