// Package layout holds the tests of how the program's packages lie above one
// another.
package layout

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// layers are the program's packages, the highest first. One imports only those of
// lower layers, and of its own layer those that beside names for it.
func layers() [][]string {
	return [][]string{
		{"chant"},
		{"chant/cmd", "chant/cmd/demo"},
		{"chant/runner"},
		{"chant/runner/verify", "chant/runner/prove", "chant/runner/agent"},
		{
			"chant/runner/check", "chant/runner/checkout", "chant/runner/completion", "chant/runner/project",
			"chant/runner/record", "chant/runner/testlog",
		},
		{"chant/runner/git", "chant/runner/process", "chant/runner/stats"},
		{"chant/spec", "chant/storage", "chant/storage/atomicfile"},
	}
}

func beside() map[string][]string {
	return map[string][]string{
		"chant/cmd":          {"chant/cmd/demo"},
		"chant/runner/check": {"chant/runner/project", "chant/runner/record", "chant/runner/testlog"},
		"chant/runner/git":   {"chant/runner/process"},
		"chant/storage":      {"chant/storage/atomicfile"},
	}
}

// TestImportsPointDown asks go list what each package imports.
func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	rank := map[string]int{}
	for i, layer := range layers() {
		for _, name := range layer {
			rank[name] = i
		}
	}
	for name, imports := range list(t) {
		own, ok := rank[name]
		if !ok {
			t.Errorf("%s has no layer", name)
			continue
		}
		for _, other := range imports {
			its, ours := rank[other]
			switch {
			case !strings.HasPrefix(other, "chant/"):
			case !ours:
				t.Errorf("%s imports %s, which has no layer", name, other)
			case its < own, its == own && !slices.Contains(beside()[name], other):
				t.Errorf("%s imports %s, which is not below it", name, other)
			}
		}
	}
}

// list returns what each package of the program imports, without its tests.
func list(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(p.ImportPath, "chant/tests/") {
			packages[p.ImportPath] = p.Imports
		}
	}
}

// TestFilesOfTheGuide: the files that docs/layout.md names are there.
func TestFilesOfTheGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/layout.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([a-z_/]+\\.go)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 20 {
		t.Errorf("only %d names found", len(names))
	}
	for _, name := range names {
		var found []string
		for _, dir := range []string{"", "*/", "*/*/"} { // a name may leave out the folder
			at, err := filepath.Glob("../../" + dir + name[1])
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, at...)
		}
		if len(found) == 0 {
			t.Errorf("there is no %s", name[1])
		}
	}
}
