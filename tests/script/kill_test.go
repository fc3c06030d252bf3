package script

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// killer is a git that counts its calls and kills chant before or after one of them.
const killer = `#!/bin/sh
n=$(($(cat "$KILLER/calls" 2>/dev/null || echo 0) + 1))
echo $n >"$KILLER/calls"
[ "$n" = "$KILL_BEFORE" ] && kill -9 $PPID
"$REAL_GIT" "$@"
code=$?
[ "$n" = "$KILL_AFTER" ] && kill -9 $PPID
exit $code
`

// TestKilledRun kills a run before and after every call of git. Nothing false is to
// be seen afterwards, what depends on the spec waits until a commit completes it, and
// the next run does that.
func TestKilledRun(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"KILL_BEFORE", "KILL_AFTER"} {
		for call := 1; ; call++ {
			p := newProject(t, map[string]string{
				"001.md": "---\ntarget_files: [work.txt]\n---\n# One\n\n## Acceptance Criteria\n\n- [ ] a\n  ```sh check\n  grep done work.txt\n  ```\n",
				"002.md": "---\ndepends_on: [001]\n---\n# Two\n\n## Acceptance Criteria\n\n- [ ] b\n  ```sh check\n  true\n  ```\n",
			})
			write(t, filepath.Join(p.dir, "work.txt"), "done\n")
			if !p.killAt(t, when, call) {
				break // it made fewer calls, and came to its end
			}
			p.checkRecovery(t, fmt.Sprintf("%s call %d", when, call))
		}
	}
}

// killAt runs the spec with a git that kills it; it tells whether that happened.
func (p project) killAt(t *testing.T, when string, call int) bool {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(killer), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := p.command("chant", "run", "001")
	for _, entry := range p.env {
		if path, ok := strings.CutPrefix(entry, "PATH="); ok {
			cmd.Env = append(cmd.Env, "PATH="+dir+string(filepath.ListSeparator)+path)
		}
	}
	cmd.Env = append(cmd.Env, "KILLER="+dir, "REAL_GIT="+git, when+"="+strconv.Itoa(call))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if cmd.ProcessState.Exited() {
		t.Fatalf("%s call %d: chant was not killed: %v\n%s", when, call, err, out)
	}
	return true
}

func (p project) checkRecovery(t *testing.T, where string) {
	t.Helper()
	p.must(t, "git", "fsck", "--strict")
	committed := strings.Contains(p.must(t, "git", "show", "HEAD:.chant/specs/001.md"), "status: completed")
	var board struct {
		Specs []struct{ ID, State string }
	}
	if err := json.Unmarshal([]byte(p.must(t, "chant", "status", "--json")), &board); err != nil {
		t.Fatal(err)
	}
	if completed := board.Specs[0].State == "completed"; completed != committed {
		t.Errorf("%s: the board says %s, HEAD holds a completion: %v", where, board.Specs[0].State, committed)
	}
	if !committed {
		if out, err := p.command("chant", "run", "002").CombinedOutput(); err == nil {
			t.Errorf("%s: what depends on it ran:\n%s", where, out)
		}
		p.must(t, "chant", "run", "001")
	}
	p.must(t, "chant", "run", "002")
	p.must(t, "chant", "verify")
	if status := p.must(t, "git", "status", "--porcelain"); status != "" {
		t.Errorf("%s: git status in the end: %s", where, status)
	}
	if commits := strings.Fields(p.must(t, "git", "rev-list", "HEAD")); len(commits) != 4 {
		t.Errorf("%s: %d commits, want 4", where, len(commits))
	}
}
