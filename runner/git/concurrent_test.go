package git

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// committerEnv makes the test binary commit one file and end; see TestMain.
const committerEnv = "CHANT_TEST_COMMIT_FILE"

// roundsEnv is how many files a committing child commits, one by one.
const roundsEnv = "CHANT_TEST_COMMIT_ROUNDS"

// commitFromEnv is what a committing child process does, in its folder.
func commitFromEnv() error {
	r, err := Open(".", os.Environ())
	if err != nil {
		return err
	}
	if at := os.Getenv(crashEnv); at != "" {
		if r.step, err = crashAt(at); err != nil {
			return err
		}
	}
	if os.Getenv(twoEnv) != "" {
		return publishTwo(r)
	}
	rounds := 3
	if n := os.Getenv(roundsEnv); n != "" {
		if rounds, err = strconv.Atoi(n); err != nil {
			return err
		}
	}
	for i := range rounds {
		name := fmt.Sprintf("%s-%d", os.Getenv(committerEnv), i)
		if stop := os.Getenv(stopEnv); stop != "" && exists(stop) {
			break
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			return err
		}
		h, err := r.Commit(context.Background(), CommitRequest{Paths: []string{name}, Message: name})
		if err != nil {
			return err
		}
		fmt.Println(h)
	}
	return r.Close()
}

// twoEnv makes a committing child publish two commits at once.
const twoEnv = "CHANT_TEST_COMMIT_TWO"

// publishTwo writes two files and publishes a commit of each.
func publishTwo(r *Repo) error {
	ctx := context.Background()
	d, err := r.Draft(ctx)
	if err != nil {
		return err
	}
	for i, content := range []string{"first", "second"} {
		name := fmt.Sprintf("p-%d", i)
		if err := os.WriteFile(filepath.Join(r.Dir(), name), []byte(content), 0o644); err != nil {
			return err
		}
		contents, err := r.Store(ctx, []string{name}, "")
		if err != nil {
			return err
		}
		step := r.step
		r.step = nil // the steps that count are those of Publish
		_, err = d.Commit(ctx, contents, content)
		r.step = step
		if err != nil {
			return err
		}
	}
	return d.Publish(ctx)
}

// checkHistory wants every acknowledged commit in HEAD's first-parent line,
// nothing lost and nothing swept in.
func checkHistory(t *testing.T, c checkout, acknowledged []Hash) {
	t.Helper()
	line := strings.Fields(c.git("rev-list", "--first-parent", "HEAD"))
	for _, h := range acknowledged {
		if !slices.Contains(line, string(h)) {
			t.Errorf("commit %s was acknowledged and is lost", h)
		}
		if names := strings.Fields(c.git("show", "--format=%s", "--name-only", string(h))); len(names) != 2 || names[0] != names[1] {
			t.Errorf("commit %s should hold the one file its message names: %q", h, names)
		}
	}
	if out := c.git("status", "--porcelain"); out != "" {
		t.Errorf("status is not clean:\n%s", out)
	}
	c.git("fsck", "--strict")
}

func TestConcurrentGoroutines(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	r := c.open()
	hashes := make([]Hash, 8)
	var wg sync.WaitGroup
	for i := range hashes {
		wg.Go(func() {
			name := fmt.Sprintf("f%d", i)
			c.write(name, name)
			var err error
			if hashes[i], err = r.Commit(t.Context(), CommitRequest{Paths: []string{name}, Message: name}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	checkHistory(t, c, hashes)
}

// TestConcurrentProcesses has other processes commit, one of them git itself.
func TestConcurrentProcesses(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts many processes")
	}
	c := newCheckout(t)
	exe, err := os.Executable()
	must(t, err)
	outputs := make([]string, 8)
	var wg sync.WaitGroup
	for i := range outputs {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Dir = c.dir
			cmd.Env = append([]string{fmt.Sprintf("%s=p%d", committerEnv, i)}, c.env...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("process %d: %v\n%s", i, err, out)
			}
			outputs[i] = string(out)
		})
	}
	wg.Go(func() {
		for range 10 {
			if _, err := c.try("", "pack-refs", "--all"); err != nil {
				t.Log(err) // it meets our locks; only history counts
			}
		}
	})
	wg.Wait()
	var hashes []Hash
	for _, out := range outputs {
		for line := range strings.FieldsSeq(out) {
			hashes = append(hashes, Hash(line))
		}
	}
	if len(hashes) != 3*len(outputs) {
		t.Errorf("%d commits acknowledged, want %d", len(hashes), 3*len(outputs))
	}
	checkHistory(t, c, hashes)
}
