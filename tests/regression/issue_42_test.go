// Package regression keeps the tests that once reproduced a bug. Each is as it
// was when it failed: a fix has to pass it unchanged.
package regression

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chant/storage"
)

// Issue 42: two processes each update another field of user:123, both are told
// that it worked, and one update is gone.
//
// The writers are separate processes, this test binary started again, because
// that is how the store is shared. Nothing sleeps and nothing is timed: a
// writer that is inside its update looks for the other one a bounded number of
// times before it goes on. Without a lock the two meet there, and the one that
// writes last undoes the other. With one they can't meet; the looking ends, and
// both updates are kept.

const (
	key     = "user:123"
	rounds  = 30   // of one update by each writer, all let go at once
	looks   = 2000 // for the other writer, from inside an update
	counts  = 40   // updates of the counter by each of its writers
	padding = 128 << 10

	writerVariable = "ISSUE_42_WRITER" // "WORK NAME DIR", in a writer's environment
)

// user is the record. Notes make it large, so that writing it takes a while and
// a lock that is given back before the write shows as well.
type user struct {
	Email, Phone int
	Count        int
	Notes        string
}

func TestMain(m *testing.M) {
	if work, ok := os.LookupEnv(writerVariable); ok {
		if err := write(work, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "writer:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestIssue42TwoFields(t *testing.T) {
	t.Parallel()
	dir := newStore(t)
	email, phone := start(t, "field", "Email", dir), start(t, "field", "Phone", dir)
	for round := 1; round <= rounds; round++ {
		email.let(t, round)
		phone.let(t, round)
		email.acknowledged(t, round)
		phone.acknowledged(t, round)
		u := read(t, dir)
		if u.Email != round || u.Phone != round {
			t.Fatalf("update lost: both writers were told that round %d worked, and the record holds email %d and phone %d", round, u.Email, u.Phone)
		}
	}
}

func TestIssue42Counter(t *testing.T) {
	t.Parallel()
	dir := newStore(t)
	var writers []*writer
	for i := range 4 {
		writers = append(writers, start(t, "count", strconv.Itoa(i), dir))
	}
	for _, w := range writers {
		w.let(t, counts)
	}
	for _, w := range writers {
		w.acknowledged(t, counts)
	}
	if got, want := read(t, dir).Count, len(writers)*counts; got != want {
		t.Fatalf("update lost: %d writers were told %d times that it worked, and the counter is %d", len(writers), want, got)
	}
}

// writer is a process that updates the record when it is let.
type writer struct {
	name string
	in   io.Writer
	out  *bufio.Reader
}

func start(t *testing.T, work, name, dir string) *writer {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0]) // it ends when its input does
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s", writerVariable, work, name, dir))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("writer %s: %v", name, err)
		}
	})
	return &writer{name: name, in: in, out: bufio.NewReader(out)}
}

// let lets the writer do its next piece of work.
func (w *writer) let(t *testing.T, n int) {
	t.Helper()
	if _, err := fmt.Fprintln(w.in, n); err != nil {
		t.Fatalf("letting writer %s go: %v", w.name, err)
	}
}

// acknowledged waits until the writer was told that its work is done.
func (w *writer) acknowledged(t *testing.T, n int) {
	t.Helper()
	line, err := w.out.ReadString('\n')
	if got, want := strings.TrimSpace(line), strconv.Itoa(n); err != nil || got != want {
		t.Fatalf("writer %s said %q, want %q: %v", w.name, got, want, err)
	}
}

func newStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	value, err := json.Marshal(user{Notes: strings.Repeat("x", padding)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open(filepath.Join(dir, "store"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(key, value); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, dir string) user {
	t.Helper()
	s, err := storage.Open(filepath.Join(dir, "store"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	value, err := s.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	var u user
	if err := json.Unmarshal(value, &u); err != nil {
		t.Fatal(err)
	}
	return u
}

// write is a writer process: it does one piece of work for every line of in and
// says so on out once the store has told it that it worked.
func write(work string, in io.Reader, out io.Writer) error {
	kind, rest, _ := strings.Cut(work, " ")
	name, dir, _ := strings.Cut(rest, " ")
	s, err := storage.Open(filepath.Join(dir, "store"), storage.Options{})
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		switch kind {
		case "field":
			err = setField(s, dir, name, n)
		case "count":
			err = countUp(s, n)
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
	}
	return lines.Err()
}

// setField sets one field to the round's number, looking for the other writer
// between reading and writing.
func setField(s *storage.Store, dir, name string, round int) error {
	return change(s, func(u *user) error {
		if name == "Email" {
			u.Email = round
		} else {
			u.Phone = round
		}
		return meet(dir, name, round)
	})
}

// meet tells that name is inside its update, and looks whether the other one is
// inside its own.
func meet(dir, name string, round int) error {
	if err := os.WriteFile(inside(dir, name, round), nil, 0o600); err != nil {
		return err
	}
	other := map[string]string{"Email": "Phone", "Phone": "Email"}[name]
	for range looks {
		if _, err := os.Stat(inside(dir, other, round)); err == nil {
			return nil
		}
	}
	return nil
}

func inside(dir, name string, round int) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%d", name, round))
}

func countUp(s *storage.Store, times int) error {
	for range times {
		if err := change(s, func(u *user) error { u.Count++; return nil }); err != nil {
			return err
		}
	}
	return nil
}

func change(s *storage.Store, f func(u *user) error) error {
	return s.Update(context.Background(), key, func(old []byte) ([]byte, error) {
		var u user
		if err := json.Unmarshal(old, &u); err != nil {
			return nil, err
		}
		if err := f(&u); err != nil {
			return nil, err
		}
		return json.Marshal(u)
	})
}
