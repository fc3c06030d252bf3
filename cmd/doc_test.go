package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/spec"
)

func TestDocAnswer(t *testing.T) {
	t.Parallel()
	d := newDocAnswer("heading", " found")
	d.add("a.md", []spec.Item{{Value: "A", Pos: spec.Pos{Line: 1, Column: 2}}}, nil)
	for _, tt := range []struct {
		name     string
		problems spec.Problems
		asJSON   bool
		code     int
		want     string
	}{
		{"held", nil, false, ExitHeld, "1 heading found\n"},
		{"not held", spec.Problems{
			{Path: "b.md", Pos: spec.Pos{Line: 3, Column: 4}, Msg: "hostile " + hostile, Hint: "mend it"}, {Path: "b.md", Msg: "a whole"},
		}, false, ExitNotHeld, "b.md:3:4: hostile " + clean(hostile) + " (mend it)\nb.md: a whole\n"},
		{"JSON", spec.Problems{{Path: "b.md", Msg: "a whole", Hint: "mend it"}}, true, ExitNotHeld, `{
  "schema": "chant.doc/v1",
  "held": false,
  "found": [
    {
      "path": "a.md",
      "line": 1,
      "column": 2,
      "text": "A"
    }
  ],
  "problems": [
    {
      "path": "b.md",
      "line": 0,
      "column": 0,
      "text": "a whole (mend it)"
    }
  ]
}
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			d := d
			d.add("b.md", nil, tt.problems)
			err := (&App{Out: &out}).output(d, tt.asJSON)
			if diff := cmp.Diff(tt.want, out.String()); diff != "" || exitCode(err) != tt.code {
				t.Errorf("error %v\n%s", err, diff)
			}
		})
	}
}

func TestCitedFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"crlf": "a\r\n\r\nb", "ended": "a\n", "empty": "", "shut": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	outside := t.TempDir()
	for link, to := range map[string]string{"out": outside, "in": "ended", "nowhere": "gone", "itself": "itself"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	for name, want := range map[string]spec.CitedFile{
		"crlf":                   {Lines: []string{"a", "", "b"}},
		"ended":                  {Lines: []string{"a"}},
		"in":                     {Lines: []string{"a"}},
		"empty":                  {},
		"gone":                   {Problem: "is not in the project"},
		"nowhere":                {Problem: "is not in the project"},
		".":                      {Problem: "is not a file"},
		"out":                    {Problem: "can't be followed: leads out of the project"},
		"../x":                   {Problem: "can't be followed: leads out of the project"},
		"/etc/passwd":            {Problem: "can't be followed: leads out of the project"},
		"ended/x":                {Problem: "can't be followed: not a directory"},
		"itself":                 {Problem: "can't be followed: too many levels of symbolic links"},
		strings.Repeat("x", 999): {Problem: "can't be followed: file name too long"},
	} {
		got, err := citedFile(root, name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v\n%s", name, err, diff)
		}
	}
	// An unreadable file is not the document's fault.
	if err := os.Chmod(filepath.Join(dir, "shut"), 0); err != nil {
		t.Fatal(err)
	}
	if got, err := citedFile(root, "shut"); os.Geteuid() != 0 && exitCode(err) != ExitEnvironment {
		t.Errorf("a file without permission gave %+v, error %v", got, err)
	}
}
