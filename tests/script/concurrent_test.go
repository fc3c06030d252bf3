package script

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConcurrentRuns runs eight specs at the same time, each by a process of
// its own, each with its own file: every commit that was reported is on the branch,
// and git finds nothing wrong. Each moves HEAD under the others.
func TestConcurrentRuns(t *testing.T) {
	t.Parallel()
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		runEight(t)
	}
}

func runEight(t *testing.T) {
	t.Helper()
	const specs = 8
	files := map[string]string{}
	for i := range specs {
		files[fmt.Sprintf("%03d.md", i)] = fmt.Sprintf("---\ntarget_files: [work-%d.txt]\n---\n"+
			"# Spec %d\n\n## Acceptance Criteria\n\n- [ ] a\n  ```sh check\n  grep done work-%d.txt\n  ```\n", i, i, i)
	}
	p := newProject(t, files)
	for i := range specs {
		if err := os.WriteFile(filepath.Join(p.dir, fmt.Sprintf("work-%d.txt", i)), []byte("done\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var running [specs]*exec.Cmd
	var out, errout [specs]bytes.Buffer
	for i := range running {
		running[i] = p.command("chant", "run", fmt.Sprintf("%03d", i))
		running[i].Stdout, running[i].Stderr = &out[i], &errout[i]
		if err := running[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Errorf("run %d: %v\n%s%s", i, err, out[i].Bytes(), errout[i].Bytes())
		}
	}
	if t.Failed() {
		return
	}

	branch := strings.Fields(p.must(t, "git", "rev-list", "--first-parent", "main"))
	if want := 1 + 2*specs; len(branch) != want {
		t.Errorf("the branch has %d commits, want %d", len(branch), want)
	}
	for i := range out {
		reported := regexp.MustCompile(`(?m)^completed \d+ 1/1 commit ([0-9a-f]{12})$`).FindStringSubmatch(out[i].String())
		if reported == nil {
			t.Errorf("run %d reports no commit:\n%s", i, out[i].Bytes())
			continue
		}
		if !strings.Contains(strings.Join(branch, " "), reported[1]) {
			t.Errorf("run %d reports %s, which is not on the branch", i, reported[1])
		}
		if files := p.must(t, "git", "show", "--format=", "--name-only", reported[1]); files != fmt.Sprintf("work-%d.txt\n", i) {
			t.Errorf("commit %s of run %d holds %q", reported[1], i, files)
		}
	}
	if status := p.must(t, "git", "status", "--porcelain"); status != "" {
		t.Errorf("git status after all: %s", status)
	}
	p.must(t, "git", "fsck", "--strict")
	p.must(t, "chant", "verify")
}
