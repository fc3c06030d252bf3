package index_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git/index"
)

// second is when everything happens in these tests.
func second() time.Time { return time.Unix(1_700_000_000, 0) }

// newHazard makes a repository in which a file was staged and written again in
// the same second, with as many bytes. The ctime can't be set, so git must not
// look at it.
func newHazard(t *testing.T) *repo {
	t.Helper()
	r := newRepo(t, "core.trustctime=false")
	r.write("other", "other")
	for i := range 50 {
		r.write(fmt.Sprintf("r%02d", i), "one")
		r.touch(fmt.Sprintf("r%02d", i), second())
	}
	r.git("add", ".")
	r.git("commit", "-q", "-m", "first")
	r.touch(".git/index", second())
	for i := range 50 {
		r.write(fmt.Sprintf("r%02d", i), "two")
		r.touch(fmt.Sprintf("r%02d", i), second())
	}
	return r
}

// TestSameSecondEditStaysVisible changes one path, and then looks whether git
// still sees that the others were written again.
func TestSameSecondEditStaysVisible(t *testing.T) {
	t.Parallel()
	change := []index.Change{{Path: "new", Mode: 0o100644, OID: [20]byte{1}}}
	for name, c := range map[string]struct {
		options index.EditOptions
		seen    int
	}{
		"by the whole second": {index.EditOptions{Written: second().Add(999 * time.Millisecond)}, 50},
		"index time unknown":  {index.EditOptions{}, 50},
		// This is the hazard itself: a caller who wrongly vouches for files.
		"vouched for": {index.EditOptions{Written: second(), Unchanged: func(index.Entry) bool { return true }}, 0},
		"vouched for one": {index.EditOptions{Written: second(), Unchanged: func(e index.Entry) bool {
			return e.Path == "r07"
		}}, 49},
		"index is later": {index.EditOptions{Written: second().Add(time.Second)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHazard(t)
			r.edit(change, c.options)
			r.touch(".git/index", second().Add(10*time.Second))
			var want string
			for i := range 50 {
				if n := fmt.Sprintf("r%02d", i); c.seen == 50 || c.seen == 49 && n != "r07" {
					want += " M " + n + "\n"
				}
			}
			want = "AD new\n" + want
			if got := r.git("status", "--porcelain", "-uno"); got != want {
				t.Errorf("git sees\n%s\nwant\n%s", got, want)
			}
			if n := strings.Count(r.git("diff", "--name-only"), "r"); n != c.seen {
				t.Errorf("git diff sees %d files, want %d", n, c.seen)
			}
		})
	}
}

// TestOwnChangeStaysVisible writes a changed file again in the second in which
// it was looked at; the index is only written later.
func TestOwnChangeStaysVisible(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		looked time.Duration // behind the file's mtime
		seen   bool
	}{
		"same second": {0, true},
		"next second": {time.Second, true},
		"settled":     {2 * time.Second, false}, // a write after that gets another mtime
		"the future":  {-time.Hour, true},
	} {
		for _, path := range []string{"known", "new"} {
			t.Run(name+", "+path, func(t *testing.T) {
				t.Parallel()
				r := newRepo(t, "core.trustctime=false")
				r.write("known", "old")
				r.git("add", ".")
				r.write(path, "one")
				r.touch(path, second())
				stat := r.stat(path)
				r.edit([]index.Change{{Path: path, Mode: 0o100644, OID: r.blob("one"), Stat: stat}},
					index.EditOptions{Written: second(), Looked: second().Add(c.looked)})
				r.touch(".git/index", second().Add(time.Minute))
				ours := r.index()
				if out := r.git("diff", "--name-only"); out != "" {
					t.Fatalf("git sees changes of %s before there are any", out)
				}
				r.setIndex(ours) // git has noted what it found
				r.touch(".git/index", second().Add(time.Minute))
				r.write(path, "two")
				r.touch(path, second())
				if seen := r.git("diff", "--name-only") == path+"\n"; seen != c.seen {
					t.Errorf("git sees the change: %v, want %v", seen, c.seen)
				}
			})
		}
	}
}

// stat gives a file's Stat; its ctime, which is called otherwise on every
// system, is left out.
func (r *repo) stat(name string) index.Stat {
	r.t.Helper()
	info, err := os.Lstat(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	mtime := info.ModTime()
	s := index.Stat{MTimeSec: uint32(mtime.Unix()), MTimeNsec: uint32(mtime.Nanosecond()), Size: uint32(info.Size())}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Dev, s.Ino, s.UID, s.GID = uint32(sys.Dev), uint32(sys.Ino), sys.Uid, sys.Gid
	}
	return s
}

func TestDoubt(t *testing.T) {
	t.Parallel()
	at := uint32(second().Unix())
	file := func(path string, mode uint32, mtime uint32) index.Change {
		return index.Change{Path: path, Mode: mode, OID: [20]byte{1}, Stat: index.Stat{MTimeSec: mtime, Size: 5}}
	}
	old := []index.Change{
		file("before", 0o100644, at-1), file("same", 0o100644, at), file("after", 0o120000, at+1),
		file("module", 0o160000, at), file("given again", 0o100644, at),
	}
	data, err := index.Empty().Edit(old, index.EditOptions{Looked: second().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := index.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	data, err = f.Edit([]index.Change{old[4], file("new module", 0o160000, at), file("new", 0o100644, at)},
		index.EditOptions{Written: second(), Looked: second().Add(2 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	if f, err = index.Parse(data); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]uint32)
	for e := range f.All() {
		got[e.Path] = e.Stat.Size
	}
	want := map[string]uint32{"before": 5, "same": 0, "after": 0, "module": 5, "given again": 0, "new module": 5, "new": 5}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
