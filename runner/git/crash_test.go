package git

import (
	"errors"
	"fmt"
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

// TestKillAtEveryStep kills a commit at each of its steps, and then the run
// that clears up after it at each of its own.
func TestKillAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, tt := range crashCases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fresh := func() checkout {
				c := base(t)
				// Nothing is to be in doubt because of its age.
				old := time.Now().Add(-time.Hour)
				must(t, filepath.WalkDir(c.dir, func(name string, e fs.DirEntry, err error) error {
					if err == nil && e.Type().IsRegular() {
						err = os.Chtimes(name, old, old)
					}
					return err
				}))
				return tt.setup(c)
			}
			steps := stepsOf(t, fresh())
			if len(steps) < 10 {
				t.Fatalf("only the steps %q", steps)
			}
			for i, name := range steps {
				if tt.name != "branch" && name != "ref locked" && name != "index published" {
					continue // no different from there
				}
				c := fresh()
				before := c.refState()
				killedAt(t, c, i)
				checkAfterKill(t, c, before, name)
			}
			if tt.name != "branch" {
				return
			}
			for i := range 5 { // two locks, two pending files, and what comes next
				c := fresh()
				before := c.refState()
				killedAt(t, c, slices.Index(steps, "ref locked"))
				killedAt(t, c, i)
				checkAfterKill(t, c, before, fmt.Sprintf("step %d of clearing up", i))
			}
		})
	}
}

// TestKillInAnotherWorkTree: locks are cleared wherever the killed run worked.
func TestKillInAnotherWorkTree(t *testing.T) {
	t.Parallel()
	c := base(t)
	side := checkout{tb: t, dir: c.dir + "-side", env: c.env}
	c.git("worktree", "add", "-q", "-b", "side/way", side.dir)
	killedAt(t, side, slices.Index(stepsOf(t, base(t)), "ref locked"))
	r := c.open()
	if left := leftBehind(t, r); len(left) != 4 {
		t.Errorf("the killed run left %q, want two locks and two pending files", left)
	}
	c.write("a.txt", "A\n")
	c.commit(r, "a.txt")
	if left := leftBehind(t, r); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	side.git("commit", "-q", "--allow-empty", "-m", "works")
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

// killedAt runs a child that kills itself at a step.
func killedAt(t *testing.T, c checkout, step int) {
	t.Helper()
	out, err := c.child(committerEnv+"=p", fmt.Sprintf("%s=%d", crashEnv, step)).CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child: %v\n%s", err, out)
	}
}

// refState is what a kill may leave as it was, or move by one commit.
func (c checkout) refState() string {
	c.tb.Helper()
	out, _ := c.try("", "rev-parse", "-q", "--verify", "HEAD") // "" while unborn
	return strings.TrimSpace(out)
}

// checkAfterKill wants a sound repository now, and a next run that works and
// leaves no lock behind.
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

// leftBehind lists locks and pending files.
func leftBehind(t *testing.T, r *Repo) []string {
	t.Helper()
	var left []string
	must(t, filepath.WalkDir(r.common, func(name string, e fs.DirEntry, err error) error {
		if strings.HasSuffix(name, lockSuffix) || strings.HasPrefix(e.Name(), pendingPrefix) {
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

// TestForeignLockStays: a lock that no pending file of ours proves to be ours
// is named, and neither removed nor written to.
func TestForeignLockStays(t *testing.T) {
	t.Parallel()
	for _, lock := range []string{"index.lock", "refs/heads/main.lock"} {
		t.Run(filepath.Base(lock), func(t *testing.T) {
			t.Parallel()
			c := base(t)
			must(t, os.MkdirAll(c.path(".git/chant"), 0o755))
			c.write(".git/chant/pend-of-a-dead-run", "foreign\n")
			c.write(".git/"+lock, "foreign\n")
			c.write("a.txt", "A\n")
			r := c.open()
			r.patience = 1
			_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"a.txt"}, Message: "m"})
			if e, ok := errors.AsType[*LockedError](err); !ok || !strings.HasSuffix(e.Path, lock) {
				t.Errorf("Commit = %v, want a LockedError", err)
			}
			data, err := os.ReadFile(c.path(".git/" + lock))
			if must(t, err); string(data) != "foreign\n" {
				t.Errorf("the foreign lock holds %q", data)
			}
			if left := leftBehind(t, r); len(left) != 1 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
