package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	// crashEnv makes a committing child kill itself at the step of that number.
	crashEnv = "CHANT_TEST_CRASH_STEP"
	// killsEnv is how many kills at random moments there are.
	killsEnv = "CHANT_TEST_KILLS"
)

// crashAt gives a step function that ends the process as a power cut would,
// except for what the system has in memory.
func crashAt(step string) (func(string), error) {
	n, err := strconv.Atoi(step)
	return func(string) {
		if n--; n < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}, err
}

// crashCase is a repository in which everything about a commit is done: new
// and changed files, an index entry less, folders made for refs and objects.
type crashCase struct {
	name string
	// setup prepares a copy of base, and gives the work tree to commit in.
	setup func(c checkout) checkout
}

func crashCases() []crashCase {
	return []crashCase{
		{"branch", func(c checkout) checkout { return c }},
		{"packed branch in a folder, symbolic ref between", func(c checkout) checkout {
			c.git("checkout", "-q", "-b", "x/y")
			c.git("symbolic-ref", "refs/heads/alias", "refs/heads/x/y")
			c.git("symbolic-ref", "HEAD", "refs/heads/alias")
			c.git("pack-refs", "--all")
			return c
		}},
		{"detached, linked work tree", func(c checkout) checkout {
			side := checkout{tb: c.tb, dir: c.dir + "-side", env: c.env}
			c.git("worktree", "add", "-q", "--detach", side.dir)
			return side
		}},
		{"unborn", func(c checkout) checkout {
			c.git("symbolic-ref", "HEAD", "refs/heads/new/born")
			return c
		}},
	}
}

// child gives the command that commits crashFiles in the checkout.
func (c checkout) child(env ...string) *exec.Cmd {
	c.tb.Helper()
	exe, err := os.Executable()
	must(c.tb, err)
	cmd := exec.CommandContext(c.tb.Context(), exe)
	cmd.Dir = c.dir
	cmd.Env = append(env, c.env...)
	return cmd
}

// TestKillAtEveryStep kills a commit at each of its steps.
func TestKillAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, tt := range crashCases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			steps := stepsOf(t, tt.setup(base(t)))
			want := []string{"stored", "trees", "commit", "started", "queued", "prepared", "index written", "committed"}
			if diff := cmp.Diff(want, steps); diff != "" {
				t.Fatalf("steps (-want +got):\n%s", diff)
			}
			for i, name := range steps {
				if tt.name != "branch" && i < slices.Index(steps, "prepared") {
					continue // no different from there
				}
				c := tt.setup(base(t))
				before := c.refState()
				killedAt(t, c, i)
				checkAfterKill(t, c, before, name)
			}
		})
	}
}

// TestKillWhilePublishingTwo kills the publication of two commits at each of
// its steps: both become visible or none, with one entry in the reflog.
func TestKillWhilePublishingTwo(t *testing.T) {
	t.Parallel()
	for i, step := range []string{"started", "queued", "prepared", "index written", "committed"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			c := base(t)
			before, index, log := c.head(), c.git("ls-files", "-s"), c.git("reflog")
			killedAt(t, c, i, twoEnv+"=1")
			if out, err := c.try("", "fsck", "--strict", "--no-dangling"); err != nil || strings.TrimSpace(out) != "" {
				t.Errorf("fsck: %v\n%s", err, out)
			}
			if left := leftBehind(t, c.open()); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			switch moved := c.head() != before; {
			case moved != (step == "committed"):
				t.Errorf("HEAD has moved: %v", moved)
			case moved:
				if got := c.git("log", "--format=%s", string(before)+".."); got != "second\nfirst\n" {
					t.Errorf("commits:\n%s", got)
				}
				if got := strings.TrimSuffix(c.git("reflog", "--format=%gs"), "commit (initial): start\n"); got != "commit: first; second\n" {
					t.Errorf("reflog:\n%s", got)
				}
			case c.git("reflog") != log:
				t.Errorf("reflog:\n%s", c.git("reflog"))
			}
			staged := c.git("ls-files", "-s") != index
			if want := i >= slices.Index([]string{"started", "queued", "prepared"}, "prepared")+1; staged != want {
				t.Errorf("the contents are staged: %v, want %v", staged, want)
			}
			if step != "committed" {
				must(t, publishTwo(c.open()))
			}
			if got := c.git("show", "HEAD:p-0", "HEAD:p-1"); got != "firstsecond" {
				t.Errorf("committed %q", got)
			}
			if got := c.git("status", "--porcelain", "p-0", "p-1"); got != "" {
				t.Errorf("status %q", got)
			}
		})
	}
}

// stepsOf lists the steps of the child's first commit.
func stepsOf(t *testing.T, c checkout) []string {
	t.Helper()
	r := c.open()
	var steps []string
	r.step = func(name string) { steps = append(steps, name) }
	c.write("p-0", "p-0")
	_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"p-0"}, Message: "p-0"})
	must(t, err)
	return steps
}

// killedAt runs a child that kills itself at a step, and waits until all its
// git processes, which inherit a pipe, have ended.
func killedAt(t *testing.T, c checkout, step int, env ...string) {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	cmd := c.child(append(env, committerEnv+"=p", fmt.Sprintf("%s=%d", crashEnv, step))...)
	cmd.ExtraFiles = []*os.File{w}
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child: %v\n%s", err, out)
	}
	must(t, w.Close())
	_, err = io.Copy(io.Discard, r)
	must(t, errors.Join(err, r.Close()))
}

// refState is what a kill may leave as it was, or move by one commit.
func (c checkout) refState() string {
	c.tb.Helper()
	out, _ := c.try("", "rev-parse", "-q", "--verify", "HEAD") // "" while unborn
	return strings.TrimSpace(out)
}

// checkAfterKill wants a sound repository now, without a lock, and a next run
// that works.
func checkAfterKill(t *testing.T, c checkout, before, when string) {
	t.Helper()
	if out, err := c.try("", "fsck", "--strict", "--no-dangling"); err != nil || strings.TrimSpace(out) != "" {
		t.Errorf("killed at %s: fsck: %v\n%s", when, err, out)
	}
	c.git("status", "--porcelain")
	if now := c.refState(); now != before {
		parent, _ := c.try("", "rev-parse", "-q", "--verify", now+"^") // "" for a first commit
		if strings.TrimSpace(parent) != before {
			t.Errorf("killed at %s: HEAD is %q, which isn't one commit after %q", when, now, before)
		}
	}
	r := c.open()
	c.write("last", "last\n")
	_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"last"}, Message: "last"})
	must(t, err)
	_, err = r.Commit(t.Context(), CommitRequest{Paths: []string{"p-0"}, Message: "p-0"})
	if err != nil && !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
	if got := c.git("show", "HEAD:p-0", "HEAD:last"); got != "p-0last\n" {
		t.Errorf("killed at %s: committed %q", when, got)
	}
	if left := leftBehind(t, r); len(left) > 0 {
		t.Errorf("killed at %s: left behind: %q", when, left)
	}
}

// leftBehind lists locks and files of ours.
func leftBehind(t *testing.T, r *Repo) []string {
	t.Helper()
	var left []string
	must(t, filepath.WalkDir(r.common, func(name string, e fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".lock") || strings.HasPrefix(e.Name(), "chant") {
			left = append(left, name)
		}
		return err
	}))
	return left
}

// TestKillAtRandom kills committing processes, two at a time, at moments that
// nobody has chosen.
func TestKillAtRandom(t *testing.T) {
	t.Parallel()
	kills := 8
	if n, err := strconv.Atoi(os.Getenv(killsEnv)); err == nil {
		kills = n
	}
	c := base(t)
	for i := range 300 {
		c.write(fmt.Sprintf("many/%d/file", i), "content\n")
	}
	c.git("add", "many")
	c.git("commit", "-q", "-m", "many", "--only", "many")
	staged := otherChanges(t, c, []string{"many"})
	for i := range kills {
		var outs [2]strings.Builder
		var children [2]*exec.Cmd
		for k := range children {
			cmd := c.child(fmt.Sprintf("%s=kill/%d-%d", committerEnv, i, k), roundsEnv+"=1000")
			cmd.Stdout = &outs[k]
			must(t, cmd.Start())
			children[k] = cmd
		}
		// The moment of the kill, at random; nothing is waited for, and every moment
		// has to end well.
		time.Sleep(10*time.Millisecond + rand.N(150*time.Millisecond))
		for _, cmd := range children {
			must(t, cmd.Process.Kill())
			_ = cmd.Wait() // it was killed
		}
		c.checkSound(i)
		// A line that the kill has cut is no acknowledgement.
		for k := range outs {
			for line := range strings.Lines(outs[k].String()) {
				if h, whole := strings.CutSuffix(line, "\n"); whole {
					c.git("merge-base", "--is-ancestor", h, "HEAD")
				}
			}
		}
	}
	r := c.open()
	c.write("last", "last\n")
	_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"last"}, Message: "last"})
	must(t, err)
	if left := leftBehind(t, r); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if diff := cmp.Diff(staged, c.otherThan("many", "kill", "last")); diff != "" {
		t.Errorf("changes of other paths (-before +after):\n%s", diff)
	}
}

// otherThan is otherChanges where the paths are folders.
func (c checkout) otherThan(paths ...string) []string {
	c.tb.Helper()
	return otherChanges(c.tb, c, paths)
}

// checkSound wants every reader to be able to work.
func (c checkout) checkSound(kill int) {
	c.tb.Helper()
	for _, args := range [][]string{
		{"fsck", "--strict", "--no-dangling"}, {"ls-files", "-s"}, {"status", "--porcelain"}, {"log", "-1", "--oneline"},
	} {
		if _, err := c.try("", args...); err != nil {
			c.tb.Fatalf("after kill %d: %v", kill, err)
		}
	}
}
