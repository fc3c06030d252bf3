package prove

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"chant/runner/check"
	"chant/runner/git"
	"chant/runner/process"
	"chant/runner/record"
)

// processes is shared because a process can have one Supervisor only.
var processes *process.Supervisor

func TestMain(m *testing.M) {
	// The Supervisor takes children of the main thread for orphans, so git must
	// be started by others.
	runtime.LockOSThread()
	flag.Parse()
	var err error
	if processes, err = process.New(fixedTime); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// repo is a repository made by git, with a Prover of what is in it.
type repo struct {
	prover Prover
	root   string
	env    []string
	events []record.Event
}

// newRepo makes a repository of commits on one line, each with all its files,
// and tags them c1, c2 … The work tree is the last one's. A content "->X" is a
// symlink to X, "@X" is a submodule at commit X, and "#!…" is executable.
func newRepo(t *testing.T, commits ...map[string]string) *repo {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &repo{root: root, env: []string{
		"PATH=" + os.Getenv("PATH"), "ROOT=" + root, "HOME=" + t.TempDir(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
	}}
	r.git(t, "", "init", "--quiet", "--template=", "--initial-branch=main")
	r.git(t, history(commits), "fast-import", "--quiet")
	r.git(t, "", "reset", "--quiet", "--hard")
	opened, err := git.Open(root, r.env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	r.prover = Prover{Git: opened, Version: "test", Settings: check.Settings{
		Root: root, Processes: processes, Now: fixedTime, Env: r.env,
		Emit: func(e record.Event) { r.events = append(r.events, e) },
	}}
	return r
}

// history writes commits in the language of git fast-import, an hour apart.
func history(commits []map[string]string) string {
	var s strings.Builder
	for i, files := range commits {
		at := time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC).Unix()
		fmt.Fprintf(&s, "commit refs/heads/main\ncommitter A <a@example.invalid> %d +0000\ndata 0\ndeleteall\n", at)
		for _, path := range slices.Sorted(maps.Keys(files)) {
			content, mode := files[path], "100644"
			switch {
			case strings.HasPrefix(content, "@"):
				fmt.Fprintf(&s, "M %s %s %s\n", modeSubmodule, content[1:], path)
				continue
			case strings.HasPrefix(content, "->"):
				content, mode = content[2:], modeSymlink
			case strings.HasPrefix(content, "#!"):
				mode = "100755"
			}
			fmt.Fprintf(&s, "M %s inline %s\ndata %d\n%s\n", mode, path, len(content), content)
		}
		fmt.Fprintf(&s, "reset refs/tags/c%d\nfrom refs/heads/main\n\n", i+1)
	}
	return s.String()
}

// git runs git in the work tree, and returns what it printed.
func (r *repo) git(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(context.WithoutCancel(t.Context()), "git", args...)
	c.Dir, c.Env, c.Stdin = r.root, r.env, strings.NewReader(stdin)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, &out)
	}
	return strings.TrimSpace(out.String())
}

// write changes the work tree. A content is as in newRepo.
func (r *repo) write(t *testing.T, files map[string]string) {
	t.Helper()
	for path, content := range files {
		at := filepath.Join(r.root, path)
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if target, link := strings.CutPrefix(content, "->"); err == nil && link {
			err = os.Symlink(target, at)
		} else if err == nil {
			mode := os.FileMode(0o644)
			if strings.HasPrefix(content, "#!") {
				mode = 0o755
			}
			err = os.WriteFile(at, []byte(content), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// prove makes the only proof.
func (r *repo) prove(t *testing.T, opts Options) record.Proof {
	t.Helper()
	proofs, err := r.prover.Prove(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(proofs) != 1 {
		t.Fatalf("got %d proofs, want 1", len(proofs))
	}
	return proofs[0]
}

// with returns files with some of them changed; an empty content removes one.
func with(files map[string]string, changes ...string) map[string]string {
	out := maps.Clone(files)
	for i := 0; i < len(changes); i += 2 {
		if out[changes[i]] = changes[i+1]; changes[i+1] == "" {
			delete(out, changes[i])
		}
	}
	return out
}

// table returns the cells as "+red 5 held" and so on, outcomes in order.
func table(p record.Proof) string {
	var b strings.Builder
	for _, c := range p.Cells {
		mark := "-"
		if c.Held {
			mark = "+"
		}
		b.WriteString(strings.TrimSpace(mark+c.Name+" "+counts(c.ByOutcome)) + "\n")
	}
	return b.String()
}

// counts returns the runs of a cell as "10 not_held 5 held", in order.
func counts(runs tally) string {
	var list []string
	for outcome, n := range runs {
		list = append(list, fmt.Sprintf("%d %s", n, outcome))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func fixedTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
