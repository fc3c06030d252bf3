package prove

import (
	"slices"
	"strings"
	"testing"

	"chant/runner/git"
)

func TestRunners(t *testing.T) {
	t.Parallel()
	const test = "t/lost.sh"
	for _, tt := range []struct {
		script, dir string
		tests       string
		want        string
	}{
		// The test is named nowhere: something else calls it.
		{"sh ci/run.sh", ".", test, "ci/run.sh"},
		{"sh run.sh", "ci", test, "ci/run.sh"},
		{"cd ci && sh run.sh", ".", test, "ci/run.sh"},
		{`cd "$(dirname x)/ci"; sh ./run.sh`, ".", test, "ci/run.sh"},
		{`sh "$PWD/ci/run.sh"`, ".", test, "ci/run.sh"},
		{"sh ${PWD}/ci/run.sh", ".", test, "ci/run.sh"},
		{"sh `pwd`/ci/run.sh", ".", test, "ci/run.sh"},
		{"../ci/run --all", "t", test, "ci/run"},
		{"FAST=1 ./ci/run", ".", test, "ci/run"},
		{"make test || python3 -u \\\n  ci/run.py", ".", test, "ci/run.py"},
		{"subprocess.check_call(['sh', 'ci/run.sh'])", ".", test, "ci/run.sh"},
		{"pytest --rootdir=. --config-file=ci/py.cfg", ".", test, "ci/py.cfg"},
		{"go test ./...", ".", test, ""},
		{"npm test", ".", test, ""},

		// It is named, too: what is before it runs it.
		{"bash ci/run t/lost.sh", ".", test, "ci/run"},
		{"cd t; python3 ../ci/run.py lost.sh", ".", test, "ci/run.py"},
		{"ci/run ./t/...", ".", test, "ci/run"},
		{". ci/run.sh && sh t/lost.sh", ".", test, "ci/run.sh"},
		{"bash t/lost.sh app.py", ".", test, ""},
		{"python3 app.py & sh t/lost.sh", ".", test, ""},
		{"go build app.py && go test ./t", ".", test, ""},
		{"cc -o x src/kv.c t/lost.c && ./x", ".", "t/lost.c", ""},
		{"python3 app.py t/in.json | diff - t/want.json", ".", "t/in.json t/want.json", ""},

		// There is no test but the check.
		{"python3 app.py | grep new", ".", "", ""},
		{"sh app.sh | grep new", ".", "", "app.sh"},

		// The file at the path is meant, and no other of its name.
		{"python3 app.py", ".", test, "app.py"},
		{"python3 app.py", "src", test, "src/app.py"},
		{"cd $SRC; python3 run.py", ".", test, "ci/run.py"},
	} {
		base := tree{}
		for name := range strings.FieldsSeq("app.py app.sh src/app.py src/kv.c ci/run ci/run.sh ci/run.py ci/py.cfg " + tt.tests) {
			base[name] = git.Content{Path: name, Mode: "100644"}
		}
		c := calls{
			base: base, paths: base.paths(), tests: strings.Fields(tt.tests), content: func(string) string { return "" },
		}
		var r reading
		c.read(&r, tt.script, tt.dir, false)
		got := slices.Compact(slices.Sorted(slices.Values(c.runners(r))))
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s in %s: got %q, want %q", tt.script, tt.dir, got, tt.want)
		}
	}
}

func TestBehind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		links map[string]string
		want  string
	}{
		{"no link", map[string]string{"other": "impl"}, ""},
		{"a file", map[string]string{"t/lost.sh": "../impl/lost.sh"}, "impl/lost.sh t/lost.sh"},
		{"a link to a link", map[string]string{"t/lost.sh": "../a", "a": "./b"}, "a b t/lost.sh"},
		{"through a folder's link", map[string]string{"t/lost.sh": "../now/lost.sh", "now": "v1"}, "now now/lost.sh t/lost.sh v1/lost.sh"},
		{"links in a folder", map[string]string{"t/lost.sh": "../impl", "impl/x": "../src/x"}, "impl impl/x src/x t/lost.sh"},
		{"out of the tree", map[string]string{"t/lost.sh": "../../x"}, "t/lost.sh"},
		{"absolute", map[string]string{"t/lost.sh": "/impl/lost.sh"}, "t/lost.sh"},
		{"to a folder around it", map[string]string{"t/lost.sh": "..", "x": "t"}, "t/lost.sh"},
		{"a circle", map[string]string{"t/lost.sh": "../a", "a": "t/lost.sh"}, "a t/lost.sh"},
	} {
		if got := strings.Join(behind(tt.links, []string{"t/lost.sh"}), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	endless := behind(map[string]string{"t/lost.sh": "../a/x", "a": "b/x", "b": "a/x"}, []string{"t/lost.sh"})
	if !slices.Contains(endless, "b") {
		t.Errorf("links that lead into each other: got %d paths without b", len(endless))
	}
}
