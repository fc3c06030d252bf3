package git

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// mixedEnv is how long the mixed test lasts, such as "2m".
	mixedEnv = "CHANT_TEST_MIXED"
	// stopEnv names a file that ends a committing child once it exists.
	stopEnv = "CHANT_TEST_STOP"
)

// TestMixedWriters has our processes commit beside all kinds of git's own
// writers and readers: no acknowledged commit is lost, and no reader fails.
func TestMixedWriters(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts many processes")
	}
	length := 1500 * time.Millisecond
	if d, err := time.ParseDuration(os.Getenv(mixedEnv)); err == nil {
		length = d
	}
	m := &mixed{c: base(t), stop: filepath.Join(t.TempDir(), "stop"), acknowledged: make(map[string]string)}
	for _, setting := range [][]string{
		{"gc.packRefs", "false"},                                              // see pack
		{"gc.reflogExpire", "never"}, {"gc.reflogExpireUnreachable", "never"}, // see checkReflog
	} {
		m.c.git("config", setting[0], setting[1])
	}
	for i := range 3 {
		m.loop(func(n int) { m.ours(t, fmt.Sprintf("ours/%d-%d", i, n)) })
	}
	for i := range 2 {
		m.loop(func(n int) { m.byGit(t, fmt.Sprintf("git/%d-%d", i, n)) })
	}
	m.loop(func(n int) {
		m.c.write("b.txt", fmt.Sprint(n))
		_, _ = m.c.try("", "add", "b.txt") // it may meet a lock
	})
	m.loop(m.pack)
	for _, args := range [][]string{{"gc", "-q"}, {"update-ref", "refs/heads/other", "HEAD"}} {
		m.loop(func(int) { _, _ = m.c.try("", args...) }) // see above
	}
	r := m.c.open()
	m.loop(func(int) { m.read(t, r) })
	time.Sleep(length) // the length of the test; nothing is waited for
	must(t, os.WriteFile(m.stop, nil, 0o644))
	m.wg.Wait()
	m.check(t)
}

// mixed is one run of TestMixedWriters.
type mixed struct {
	c    checkout
	stop string
	wg   sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[string]string // the files of commits that were acknowledged, by the commit's hash
}

func (m *mixed) acknowledge(hash, file string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acknowledged[hash] = file
}

// loop repeats a step until the end, in a goroutine of its own.
func (m *mixed) loop(step func(n int)) {
	m.wg.Go(func() {
		for n := 0; !exists(m.stop); n++ {
			step(n)
		}
	})
}

// ours commits until the end. Where git's programs take its lock all the time a
// commit may be given up: then it was not acknowledged.
func (m *mixed) ours(t *testing.T, name string) {
	cmd := m.c.child(committerEnv+"="+name, roundsEnv+"=1000000", stopEnv+"="+m.stop)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case err != nil && strings.Contains(stderr.String(), "is held by another program"):
		t.Logf("%s gave up: %s", name, &stderr)
	case err != nil:
		t.Errorf("%v\n%s", err, &stderr)
	}
	for n, hash := range strings.Fields(string(out)) {
		m.acknowledge(hash, fmt.Sprintf("%s-%d", name, n))
	}
}

func (m *mixed) byGit(t *testing.T, name string) {
	if err := os.MkdirAll(filepath.Dir(m.c.path(name)), 0o755); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(m.c.path(name), []byte(name), 0o644); err != nil {
		t.Error(err)
	}
	for !exists(m.stop) {
		_, _ = m.c.try("", "add", "-N", name) // commit fails then, too
		out, err := m.c.try("", "-c", "core.abbrev=40", "commit", "--only", "-m", name, "--", name)
		if err == nil { // and out is "[main <hash>] <subject>" and more
			m.acknowledge(strings.TrimSuffix(strings.Fields(out)[1], "]"), name)
			return
		}
	}
}

// pack packs the refs, one more each time. Git's processes take a packed-refs
// for the one that they have read if inode, length and mtime in seconds are
// the same. In a loop that only moves refs they soon are, and git commit, of
// itself, writes over commits. So the length must never repeat, and gc, which
// packs as well, has to leave that to this loop.
func (m *mixed) pack(n int) {
	if _, err := m.c.try("", "update-ref", fmt.Sprintf("refs/tags/%d", n), "HEAD"); err == nil {
		_, _ = m.c.try("", "pack-refs", "--all") // it may meet a lock
	}
}

// read looks at the repository as git and as we do.
func (m *mixed) read(t *testing.T, r *Repo) {
	if _, err := m.c.try("", "--no-optional-locks", "status", "--porcelain"); err != nil {
		t.Errorf("git's reader: %v", err)
	}
	head, err := r.Head()
	if err != nil {
		t.Errorf("our reader: %v", err)
		return
	}
	if data, err := r.ReadFile(head.Commit, "a.txt"); err != nil || string(data) != "a\n" {
		t.Errorf("our reader: %q, %v", data, err)
	}
}

func (m *mixed) check(t *testing.T) {
	t.Helper()
	m.c.git("fsck", "--strict", "--no-dangling")
	m.c.git("status", "--porcelain")
	history := make(map[string][]string) // subject and files of each commit
	for record := range strings.SplitSeq(m.c.git("log", "--format=%x00%H %s", "--name-only"), "\x00") {
		if words := strings.Fields(record); len(words) > 0 {
			history[words[0]] = words[1:]
		}
	}
	ours := 0
	for hash, file := range m.acknowledged {
		if got := history[hash]; got == nil {
			t.Errorf("commit %s of %s was acknowledged and is lost", hash, file)
		} else if !slices.Equal(got, []string{file, file}) {
			t.Errorf("commit %s of %s has that subject and the files %q", hash, file, got)
		}
		if strings.HasPrefix(file, "ours/") {
			ours++
		}
	}
	t.Logf("%d commits, %d of them ours", len(m.acknowledged), ours)
	m.checkReflog(t)
	if left := leftBehind(t, m.c.open()); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// checkReflog wants every commit to be made upon the one before it. The line
// that isn't names who wrote over a commit, by the subject.
func (m *mixed) checkReflog(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile(m.c.path(".git/logs/refs/heads/main"))
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i := 1; i < len(lines); i++ {
		if from, to := strings.Fields(lines[i])[0], strings.Fields(lines[i-1])[1]; from != to {
			t.Errorf("line %d of the reflog isn't upon the one before:\n%s",
				i+1, strings.Join(lines[max(0, i-4):min(len(lines), i+2)], "\n"))
		}
	}
}
