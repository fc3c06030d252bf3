package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"chant/runner/git"
)

func sorted(list []string) []string { slices.Sort(list); return list }

// Equal trees are checked out and set up once, and are there until nobody needs them.
func TestEqualTreesAreShared(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	second := r.commit(nil)
	third := r.commit(map[string]string{"a": "2"})
	temp := t.TempDir()
	s := r.open(Options{Temp: temp, Setup: []string{"echo set up >> log"}})
	var held []*Checkout
	for _, make := range []func() (*Checkout, error){
		func() (*Checkout, error) { return s.Commit(t.Context(), first) },
		func() (*Checkout, error) { return s.Commit(t.Context(), first) },
		func() (*Checkout, error) { return s.Commit(t.Context(), second) },
		func() (*Checkout, error) { return s.Tree(t.Context(), third, []Change{data("a", "100644", "1")}) },
	} {
		c, err := make()
		must(t, err)
		held = append(held, c)
	}
	for _, c := range held {
		same(t, "files", map[string]string{"a": "1", "log": "set up\n"}, contents(t, c.Dir()))
		same(t, "folder", held[0].Top(), c.Top())
		same(t, "commit", first, c.Commit())
	}
	for i, c := range held {
		must(t, c.Close())
		must(t, c.Close())
		if _, err := os.Lstat(c.Top()); (err == nil) != (i < len(held)-1) {
			t.Errorf("after %d of %d: %v", i+1, len(held), err)
		}
	}
	empty(t, temp)
	again, err := s.Commit(t.Context(), first)
	must(t, err)
	same(t, "files", map[string]string{"a": "1", "log": "set up\n"}, contents(t, again.Dir()))
	must(t, again.Close())
}

// No more folders than the limit are there at a time, however many are wanted.
func TestLimit(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	var commits []git.Hash
	for i := range 6 {
		commits = append(commits, r.commit(map[string]string{"a": fmt.Sprint(i)}))
	}
	temp := t.TempDir()
	s := r.open(Options{Temp: temp})
	s.slots = make(chan struct{}, 2)
	var wg sync.WaitGroup
	for range 3 {
		for i, commit := range commits {
			wg.Go(func() {
				c, err := s.Commit(t.Context(), commit)
				if err != nil {
					t.Error(err)
					return
				}
				if files := contents(t, c.Top()); files["a"] != fmt.Sprint(i) {
					t.Errorf("checkout %d: %v", i, files)
				}
				if entries, err := os.ReadDir(temp); err != nil || len(entries) > 2 {
					t.Errorf("%d folders, %v", len(entries), err)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	empty(t, temp)

	full := []*Checkout{}
	for _, commit := range commits[:2] {
		c, err := s.Commit(t.Context(), commit)
		must(t, err)
		full = append(full, c)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	cancel(why)
	if _, err := s.Commit(ctx, commits[2]); !errors.Is(err, why) {
		t.Error(err)
	}
	for _, c := range full {
		must(t, c.Close())
	}
	empty(t, temp)
}

// A call that waits for another one fails if that one does, and nothing is left.
func TestFailingCallsShareTheirError(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{"a": "1"})
	temp := t.TempDir()
	began := t.TempDir() + "/began"
	mkfifo(t, began)
	s := r.open(Options{Temp: temp, Setup: []string{"echo > " + began + "; read go < " + began + "; exit 3"}})
	var wg sync.WaitGroup
	call := func() {
		_, err := s.Commit(t.Context(), commit)
		if err == nil || !strings.Contains(err.Error(), "exit status 3") {
			t.Error(err)
		}
	}
	wg.Go(call)
	_, err := os.ReadFile(began)
	must(t, err)
	wg.Go(call)
	for joined := false; !joined; {
		s.mu.Lock()
		for _, f := range s.inUse {
			joined = f.users == 2
		}
		s.mu.Unlock()
	}
	must(t, os.WriteFile(began, []byte("\n"), 0))
	wg.Wait()
	same(t, "in use", 0, len(s.inUse))
	same(t, "slots taken", 0, len(s.slots))
	empty(t, temp)
}

// Folders that are kept are there for somebody to look at, and are used by nobody else.
func TestKeep(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{"a": "1"})
	s := r.open(Options{Keep: true})
	var tops []string
	for range 2 {
		c, err := s.Commit(t.Context(), commit)
		must(t, err)
		must(t, c.Close())
		must(t, c.Close())
		tops = append(tops, c.Top())
	}
	if tops[0] == tops[1] {
		t.Errorf("%s is used again", tops[0])
	}
	for _, top := range tops {
		same(t, "files", map[string]string{"a": "1"}, contents(t, top))
	}
}
