package script

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// project is a repository for tests that need more than a script can say.
type project struct {
	dir string
	env []string
}

// newProject makes a repository with chant's files and the given specs, all
// committed.
func newProject(tb testing.TB, specs map[string]string) project {
	tb.Helper()
	top := tb.TempDir()
	p := project{dir: filepath.Join(top, "repo"), env: append(isolated(top), "TMPDIR="+tb.TempDir())}
	write(tb, filepath.Join(top, ".gitconfig"), gitconfig)
	for name, text := range specs {
		write(tb, filepath.Join(p.dir, ".chant/specs", name), text)
	}
	p.must(tb, "git", "init", "--quiet")
	p.must(tb, "chant", "init")
	p.must(tb, "git", "add", "--all")
	p.must(tb, "git", "commit", "--quiet", "-m", "base")
	return p
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// command prepares a program to run in the project.
func (p project) command(program string, args ...string) *exec.Cmd {
	if program == "chant" {
		program = filepath.Join(tools.bin, program)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	return cmd
}

// must runs a program that has to exit 0, and gives its output.
func (p project) must(tb testing.TB, program string, args ...string) string {
	tb.Helper()
	var errout bytes.Buffer
	cmd := p.command(program, args...)
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, errout.Bytes())
	}
	return string(out)
}

const holds = `---
status: pending
---
# It holds

## Acceptance Criteria

- [ ] a
  ` + "```sh check\n  true\n  ```\n"

// TestReadsWriteNothing holds every reading command to changing no byte of the
// repository, the store included: not even a cache or a refreshed index.
func TestReadsWriteNothing(t *testing.T) {
	t.Parallel()
	p := readable(t)
	before, err := tree(p.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range reads() {
		p.must(t, "chant", args...)
		after, err := tree(p.dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := differences(before, after); len(diff) > 0 {
			t.Errorf("chant %s changed %q", strings.Join(args, " "), diff)
		}
	}
}

// TestReadsStartNothing watches the same commands by strace: chant itself is the
// only program that is ever started, but for a git that reads a tree.
func TestReadsStartNothing(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	p := readable(t)
	trace := filepath.Join(t.TempDir(), "trace")
	strace := func(program string, args ...string) string {
		p.must(t, "strace", append([]string{"-f", "-e", "trace=process", "-o", trace, program}, args...)...)
		calls, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		return string(calls)
	}
	if started := starts(strace("sh", "-c", "git version; true")); len(started) < 2 {
		t.Fatalf("strace shows no child where there is one: %q", started)
	}
	for _, args := range reads() {
		if started := beyondReading(starts(strace(filepath.Join(tools.bin, "chant"), args...))); len(started) != 1 {
			t.Errorf("chant %s starts processes: %q", strings.Join(args, " "), started)
		}
	}
}

// readable is a project with a completed, a failed and a ready spec.
func readable(t *testing.T) project {
	t.Helper()
	p := newProject(t, map[string]string{
		"001.md": holds, "002.md": strings.ReplaceAll(holds, "true", "false"),
		"003.md": "---\ndepends_on: [001]\n---\n# Three\n\n## Acceptance Criteria\n\n- [ ] a\n",
	})
	p.must(t, "chant", "run", "001")
	if err := p.command("chant", "run", "002").Run(); err == nil {
		t.Fatal("a spec that can't hold did")
	}
	return p
}

func reads() [][]string {
	return [][]string{
		{"list"}, {"list", "--json"}, {"status"}, {"status", "--json"},
		{"show", "001"}, {"show", "--json", "002"}, {"lint"}, {"lint", "--json"},
		{"graph"}, {"graph", "--format", "dot"}, {"graph", "--json"},
		{"log", "002"}, {"log", "--json", "001"}, {"log", "003"},
		{"run", "--dry-run", "002"}, {"version"}, {"help"}, {"completion", "bash"}, {"__complete", "show", ""},
	}
}

// starts gives the calls of a trace that start a program or a process. A clone
// that makes a thread is neither.
func starts(trace string) []string {
	call := regexp.MustCompile(`^(?:\d+ +)?(?:execve|execveat|fork|vfork|clone|clone3)\(`)
	var list []string
	for line := range strings.Lines(trace) {
		if call.MatchString(line) && !strings.Contains(line, "CLONE_THREAD") && !strings.Contains(line, "ENOENT") {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}

// beyondReading leaves out the processes that become a git which reads a tree, and
// does nothing else.
func beyondReading(started []string) []string {
	list := slices.DeleteFunc(slices.Clone(started), func(call string) bool {
		return strings.Contains(call, "clone(") || strings.Contains(call, `/git"`) && strings.Contains(call, `"ls-tree"`)
	})
	return list
}
