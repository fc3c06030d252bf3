package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A flaw is a store that is broken in one place, and the test that has to find it.
type flaw struct {
	name, file    string // of package storage
	whole, broken string // a piece of the file, which has to be there once
	pkg, test     string
	says          string // what the failing test complains of
}

const (
	regression = "./tests/regression"
	own        = "./storage"
)

func flaws() []flaw {
	return []flaw{
		{
			"no lock", "writelock.go",
			`return withDescriptor(f, "flock", func(fd int) error { return syscall.Flock(fd, how) })`,
			"return nil",
			regression, "TestIssue42", "update lost",
		},
		{
			"a lock that is released before the write", "tx.go",
			`	err := f(tx)
`,
			`	err := f(tx)
	_ = unlock(tx.store.lock.file)
`,
			regression, "TestIssue42", "update lost",
		},

		{
			"a lock on a file that has lost its name", "writelock.go",
			"if err == nil && named {",
			"if err == nil || named {",
			own, "TestLockFileRemoved", "want locked",
		},
		{
			"unlocking by closing", "writelock.go",
			"err := unlock(l.file)",
			"err := l.close()",
			own, "TestInheritedLockFile", "waiting for another writer",
		},
		{
			"sums that are not chained", "replay.go",
			"!p.unchained && h.prev != p.prev",
			"!p.unchained && h.prev != h.prev",
			own, "TestLostRecordIsNotRevived", "keys (-want +got)",
		},
		{
			"no sync mark", "generation.go",
			"g.log.synced = max(g.log.synced, now.synced)",
			"g.log.synced = max(g.log.synced, 0)",
			own, "TestEveryTruncation", `want "new a"`,
		},
		{
			"a writer that catches up without the sync mark", "generation.go",
			`if _, err := g.readSyncMark(); err != nil {
		return named, err`,
			`if _, err := g.syncMark.read(); err != nil {
		return named, err`,
			own, "TestWriterOverDamage", "want it to be damaged",
		},
		{
			"no seal before the next log", "compact.go",
			"if err := g.seal(); err != nil {",
			"if err := error(nil); err != nil {",
			own, "TestLogWithASecondName", "old",
		},
		{
			"a failed sync that is not recorded for others", "groupsync.go",
			`errors.Join(fmt.Errorf("%w: %w", ErrSync, err), g.syncMark.poison())`,
			`fmt.Errorf("%w: %w", ErrSync, err)`,
			own, "TestFailedSyncPoisons", "another store",
		},
		{
			"a value that is returned before it is on the disk", "store.go",
			"if err := s.waitDurable(g, used); err != nil {",
			"if err := s.waitDurable(g, min(used, 0)); err != nil {",
			own, "TestReaderWaitsForTheDisk", "taken back",
		},
		{
			"a write that returns before the sync", "groupsync.go",
			"if err := g.file.sync(); err != nil {",
			"if err := error(nil); err != nil {",
			own, "TestPowerLoss$", "acknowledged",
		},
		{
			"a new log that is renamed before it is synced", "draft.go",
			`	return d.file.sync()
}

// rename`,
			`	return nil
}

// rename`,
			own, "TestPowerLoss$", "loss",
		},
		{
			"a wake before the lock is free", "groupsync.go",
			`err = errors.Join(err, unlock(g.syncMark.file))
	if g.syncMark.setWord(rand.Uint32()) == nil {
		g.waker.wake()
	}
`,
			`if g.syncMark.setWord(rand.Uint32()) == nil {
		g.waker.wake()
	}
	err = errors.Join(err, unlock(g.syncMark.file))
`,
			own, "TestUnlockBeforeWake", "the leader did",
		},
		{
			"a leader that raises the sync mark above what it has synced", "groupsync.go",
			`covers := g.written.Load()
	if err := g.file.sync(); err != nil {`,
			`covers := g.written.Load() + 1<<20
	if err := g.file.sync(); err != nil {`,
			own, "TestPowerLoss$", "the end of the log",
		},
		{
			"a name that is not made durable", "prepare.go",
			"if !now.nameDurable {",
			"if false && !now.nameDurable {",
			own, "TestNameIsMadeDurable", "after the power loss",
		},
		{
			"an old log that is removed first", "compact.go",
			`if err := d.rename(); err != nil {
		return err
	}
	if err := s.removeGeneration(g.generation); err != nil {`,
			`if err := s.removeGeneration(g.generation); err != nil {
		return err
	}
	if err := d.rename(); err != nil {`,
			own, "TestKilledAtEveryOperation", "operation",
		},
	}
}

// Every test that a rule of the store rests on fails where that rule is broken, by
// what it says, and not before.
func TestTeeth(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	sound := map[string]bool{}
	for _, f := range flaws() {
		t.Run(f.name, func(t *testing.T) {
			if !sound[f.pkg+f.test] {
				if out, err := goTest(t, root, f, ""); err != nil {
					t.Fatalf("the sound store fails: %v\n%s", err, out)
				}
				sound[f.pkg+f.test] = true
			}
			out, err := goTest(t, root, f, overlay(t, root, f))
			if err == nil || !strings.Contains(out, f.says) {
				t.Fatalf("%s, which has to say %q: %v\n%s", f.test, f.says, err, out)
			}
			for line := range strings.Lines(out) {
				if strings.Contains(line, f.says) {
					t.Logf("%s: %s", f.test, strings.TrimSpace(line))
					break
				}
			}
		})
	}
}

func goTest(t *testing.T, root string, f flaw, overlay string) (out string, err error) {
	t.Helper()
	args := []string{"test", "-count=1", "-run", f.test, "-timeout=2m"}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, f.pkg)...)
	cmd.Dir = root
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// overlay makes the go command see the broken file in place of the whole one.
func overlay(t *testing.T, root string, f flaw) (path string) {
	t.Helper()
	at := filepath.Join(root, "storage", f.file)
	text, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), f.whole); n != 1 {
		t.Fatalf("%s has the piece to break %d times, want once", f.file, n)
	}
	dir := t.TempDir()
	broken := filepath.Join(dir, f.file)
	list, err := json.Marshal(map[string]map[string]string{"Replace": {at: broken}})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "overlay.json")
	for name, data := range map[string][]byte{broken: []byte(strings.Replace(string(text), f.whole, f.broken, 1)), path: list} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
