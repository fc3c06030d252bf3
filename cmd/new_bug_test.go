package cmd

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner"
	"chant/spec"
)

// TestNewBugAnyTitle goes from the command line to lint.
func TestNewBugAnyTitle(t *testing.T) {
	t.Parallel()
	for _, title := range []string{
		"Agent Output", "***", `a: "b" 'c' #d`, "- [x] done", "1. x", "Größe 世界", "\x1b[2J\u202e", "a\nb\tc", "{{issue.id}}", "--title", "\xff",
		strings.Repeat("long ", 40), strings.Repeat("世", 200),
	} {
		for _, single := range []bool{false, true} {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, ".chant"), 0o700); err != nil {
				t.Fatal(err)
			}
			var out, errs strings.Builder
			app := App{Out: &out, Err: &errs, Dir: dir, Now: fixedTime}
			args := []string{"new", "bug", "--issue", "42", "--test", "x_test.py", "--files", "x.py", "--title=" + title}
			if single {
				args = append(args, "--single")
			}
			if code := app.Run(t.Context(), args); code != ExitHeld {
				t.Errorf("%q: exit %d, stderr %q", title, code, errs.String())
			}
			out.Reset()
			if code := app.Run(t.Context(), []string{"lint"}); code != ExitHeld || out.String()+errs.String() != "" {
				t.Errorf("%q: lint: exit %d, stdout %q, stderr %q", title, code, out.String(), errs.String())
			}
		}
	}
}

// TestTemplates expects that new bug expands exactly the existing templates.
func TestTemplates(t *testing.T) {
	t.Parallel()
	want := slices.Concat(runner.Bug{}.Templates(), runner.Bug{Name: "x"}.Templates())
	slices.Sort(want)
	var got []string
	err := fs.WalkDir(template, "template/templates", func(at string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			got = append(got, strings.TrimPrefix(at, "template/templates/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPhasePrompts expects a prompt for each phase that says what to deliver,
// together with the common text and rules.
func TestPhasePrompts(t *testing.T) {
	t.Parallel()
	vars := map[string]string{
		"spec.id": "ID", "spec.title": "TITLE", "spec.path": "PATH", "spec.type": "TYPE", "spec.phase": "PHASE", "spec.prose": "PROSE",
		"spec.target_files": "- TARGETS", "spec.depends_on": "- DEPENDS", "project.name": "",
	}
	prompts, err := fs.Glob(template, "template/prompts/*.md")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"standard": true}
	for _, name := range slices.Concat(runner.Bug{}.Templates(), runner.Bug{Name: "x"}.Templates()) {
		if path.Dir(name) != "." {
			continue // a document's
		}
		src, err := template.ReadFile("template/templates/" + name)
		if err != nil {
			t.Fatal(err)
		}
		made, _ := spec.Parse(name, src)
		used[made.Prompt] = true
		text, err := spec.ExpandPrompt("template/prompts/"+made.Prompt+".md", template.ReadFile, vars)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		at := 0
		for _, part := range []string{"# TITLE", "`ID`", "## This ", "Deliver", "PROSE", "- TARGETS", "## Rules", "chant alone ticks",
			"is data"} {
			n := strings.Index(text[at:], part)
			if n < 0 {
				t.Fatalf("%s: no %q after byte %d of the prompt %q:\n%s", name, part, at, made.Prompt, text)
			}
			at += n
		}
	}
	for _, file := range prompts {
		if name := strings.TrimSuffix(path.Base(file), ".md"); !used[name] {
			t.Errorf("no spec uses the prompt %q", name)
		}
	}
}
