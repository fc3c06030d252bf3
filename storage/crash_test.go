package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"chant/storage"
)

// storeRoles are the programs that these tests run as processes.
var storeRoles = map[string]func(dir string, args []string) error{
	"doomed":  doomed,
	"counter": count,
	"writer":  writeForEver,
	"stuck":   stuck,
	"limited": limited,
	"poor":    poor,
	"history": history,
	"forker":  forker,
}

// valueOf returns a value from which numberOf finds n, and that the value is complete.
func valueOf(n int) []byte {
	return []byte(strings.Repeat(strconv.Itoa(n)+",", 1+n*37%2000))
}

func numberOf(value []byte) (int, error) {
	if value == nil {
		return 0, nil
	}
	digits, _, _ := strings.Cut(string(value), ",")
	n, err := strconv.Atoi(digits)
	if err == nil && string(value) != string(valueOf(n)) {
		err = fmt.Errorf("the value of %d is torn", n)
	}
	return n, err
}

// next returns the value that follows old.
func next(old []byte) ([]byte, error) {
	n, err := numberOf(old)
	return valueOf(n + 1), err
}

// doomed makes every kind of change, prints after each how many are done, and is killed
// at one point.
func doomed(dir string, args []string) error {
	n, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return err
	}
	s, err := storage.OpenDoomed(dir, n, args[1] == "torn")
	if err != nil {
		return err
	}
	for i, do := range doomedSteps {
		if err := do(s); err != nil {
			return err
		}
		fmt.Println(i + 1)
	}
	return s.Close()
}

var doomedSteps = []func(s *storage.Store) error{
	func(s *storage.Store) error { return s.Put("a", valueOf(1)) },
	func(s *storage.Store) error { return s.Put("b", valueOf(2)) },
	func(s *storage.Store) error { return s.Put("a", valueOf(3)) },
	storage.Compact,
	func(s *storage.Store) error { return s.Delete("b") },
	func(s *storage.Store) error {
		return s.Batch(context.Background(), func(tx *storage.Tx) error {
			return errors.Join(tx.Put("a", valueOf(4)), tx.Put("b", valueOf(5)), tx.Put("c", valueOf(6)))
		})
	},
	storage.Compact,
	func(s *storage.Store) error { return s.Put("c", valueOf(7)) },
}

// doomedStates is the content of the store after each number of steps.
var doomedStates = []map[string]int{
	{}, {"a": 1}, {"a": 1, "b": 2}, {"a": 3, "b": 2}, {"a": 3, "b": 2}, {"a": 3},
	{"a": 4, "b": 5, "c": 6}, {"a": 4, "b": 5, "c": 6}, {"a": 4, "b": 5, "c": 7},
}

// A process is killed at each of its operations on files. All acknowledged writes are
// there, the interrupted one is there completely or not at all, the next process goes on
// at once, and no files are left over. STORAGE_KILLS says how often each point is tried.
// By default every second kill is before the operation, and the others are in the
// middle of it.
func TestKilledAtEveryOperation(t *testing.T) {
	t.Parallel()
	points := 0
	for round := range storage.Setting(t, "STORAGE_KILLS", 1) {
		for n := 1; ; n++ {
			dir, how := t.TempDir(), []string{"whole", "torn"}[(n+round)%2]
			p := launch(t, "doomed", dir, strconv.Itoa(n), how)
			acked := 0
			for line := range lines(p.out) {
				var err error
				if acked, err = strconv.Atoi(line); err != nil {
					t.Fatal(line)
				}
			}
			if err := p.Wait(); err == nil {
				break // it has fewer than n operations
			}
			points++
			checkDoomed(t, dir, acked, fmt.Sprintf("operation %d, %s", n, how))
		}
	}
	if points < 40 {
		t.Errorf("only %d points", points)
	}
	t.Logf("%d processes were killed", points)
}

// A process is killed at each of its operations, also while it syncs for all. The others
// go on, and lose nothing.
func TestSurvivorsOfEveryOperation(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		dir, how := t.TempDir(), []string{"whole", "torn"}[n%2]
		s := open(t, dir)
		p := launch(t, "doomed", dir, strconv.Itoa(n), how)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range lines(p.out) {
			}
		}()
		puts := 0
		for over := false; !over; {
			select {
			case <-ended:
				over = true
			default:
			}
			puts++
			put(t, s, "survivor", string(valueOf(puts)))
		}
		killed := p.Wait() != nil
		later := open(t, dir)
		if got := numbers(t, later)["survivor"]; got != puts {
			t.Fatalf("operation %d: the survivor's value is %d, want %d", n, got, puts)
		}
		put(t, later, "after", "")
		sound(t, later, dir, fmt.Sprint("operation ", n))
		if err := errors.Join(s.Close(), later.Close()); err != nil {
			t.Fatal(err)
		}
		if !killed {
			return
		}
	}
}

func checkDoomed(t *testing.T, dir string, acked int, what string) {
	t.Helper()
	s := open(t, dir)
	got := numbers(t, s)
	if is(got, doomedStates[acked]) == is(got, doomedStates[min(acked+1, len(doomedSteps))]) && !is(got, doomedStates[acked]) {
		t.Fatalf("%s: after %d steps there is %v", what, acked, got)
	}
	put(t, s, "after", "")
	sound(t, s, dir, what)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func is(a, b map[string]int) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// numbers returns the numbers of all values.
func numbers(t *testing.T, s *storage.Store) map[string]int {
	t.Helper()
	all := map[string]int{}
	for e, err := range s.Scan("") {
		if err != nil {
			t.Fatal(err)
		}
		if all[e.Key], err = numberOf(e.Value); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// sound checks that the store has no problems, and no files but those in use.
func sound(t *testing.T, s *storage.Store, dir, what string) {
	t.Helper()
	report, err := s.Check()
	if err != nil || !report.OK() {
		t.Fatalf("%s: %+v, %v", what, report, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	log := fmt.Sprintf("store.%d.", report.Generation)
	for _, entry := range entries {
		switch name := entry.Name(); name {
		case "lock", "compact", log + "log", log + "mark":
		default:
			t.Fatalf("%s: %s was left over", what, name)
		}
	}
}

func lines(r *bufio.Reader) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			line, err := r.ReadString('\n')
			if err != nil || !yield(strings.TrimSuffix(line, "\n")) {
				return
			}
		}
	}
}

// writeForEver writes the next value of its own key and of a shared key, and prints it,
// until it is killed.
func writeForEver(dir string, args []string) error {
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return err
	}
	for i := 1; ; i++ {
		if err := s.Update(context.Background(), "own/"+args[0], next); err != nil {
			return err
		}
		fmt.Println("own")
		if err := s.Update(context.Background(), "shared", next); err != nil {
			return err
		}
		fmt.Println("shared")
		if i%25 == 0 {
			if err := storage.Compact(s); err != nil {
				return err
			}
		}
	}
}

// A process is killed at any time. The others go on, and nothing is lost.
// STORAGE_KILLS sets how often.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	const writers = 3
	for round := range storage.Setting(t, "STORAGE_KILLS", 8) {
		dir := t.TempDir()
		processes := make([]process, writers)
		for i := range processes {
			processes[i] = launch(t, "writer", dir, strconv.Itoa(i))
		}
		acked := map[string]int{}
		wait := func(i, n int) {
			for range n {
				line, err := processes[i].out.ReadString('\n')
				if err != nil || line != "own\n" && line != "shared\n" {
					t.Fatalf("round %d: %q, %v", round, line, err)
				}
				tally(acked, i, strings.TrimSpace(line))
			}
		}
		wait(0, 1+rand.IntN(40))
		end(t, processes[0], acked, 0)
		for i := 1; i < writers; i++ {
			wait(i, 1+rand.IntN(40)) // the survivors go on
		}
		for i := 1; i < writers; i++ {
			end(t, processes[i], acked, i)
		}
		s := open(t, dir)
		got := numbers(t, s)
		for key, n := range acked {
			most := n + 1 // an update may be done and not acknowledged yet
			if key == "shared" {
				most = n + writers
			}
			if got[key] < n || got[key] > most {
				t.Fatalf("round %d: %s is %d, acknowledged %d", round, key, got[key], n)
			}
		}
		put(t, s, "after", string(valueOf(1)))
		sound(t, s, dir, fmt.Sprint("round ", round))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func tally(acked map[string]int, i int, line string) {
	if line == "own" {
		line = "own/" + strconv.Itoa(i)
	}
	acked[line]++
}

// end kills a writer, and counts what it printed before that.
func end(t *testing.T, p process, acked map[string]int, i int) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for line := range lines(p.out) {
		tally(acked, i, line)
	}
	if _, err := p.Process.Wait(); err != nil {
		t.Fatal(err)
	}
}
