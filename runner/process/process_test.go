package process

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childEnv makes the test binary a child program, see childMain.
const childEnv = "PROCESS_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childEnv); mode != "" {
		os.Exit(childMain(mode))
	}
	os.Exit(m.Run())
}

// childMain is the test binary as a program that supervises a command
// that stays. With "die" that command starts a daemon, too, and then kills the
// program.
func childMain(mode string) int {
	s, err := New(time.Now)
	if err != nil {
		return 2
	}
	script := stay
	if mode == "die" {
		script = `setsid sh -c '` + stay + `' & read up <"$READY"; kill -9 $PPID; exec sleep 1000`
	}
	s.Run(context.Background(), Command{Argv: []string{"sh", "-c", script}, Dir: "/", Env: os.Environ()})
	return 1
}

// stay is a script that writes its pid to HELD, keeps that open, tells READY,
// and stays.
const stay = `exec 9>"$HELD"; echo $$ >&9; echo up >"$READY"; exec sleep 1000`

// limit ends a command of a test that would otherwise hang.
const limit = 30 * time.Second

func newSupervisor(tb testing.TB) *Supervisor {
	tb.Helper()
	s, err := New(time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// shell is a command that runs a script with the paths of two named pipes in
// its environment, HELD and READY.
func shell(tb testing.TB, script string) Command {
	tb.Helper()
	dir := tb.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH")}
	for _, name := range []string{"HELD", "READY"} {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			tb.Fatal(err)
		}
		env = append(env, name+"="+path)
	}
	return Command{Argv: []string{"sh", "-c", script}, Dir: dir, Env: env, Timeout: limit}
}

// announcer is an Output that tells of the first write.
type announcer struct {
	bytes.Buffer
	first chan struct{}
}

func newAnnouncer() *announcer { return &announcer{first: make(chan struct{})} }

func (a *announcer) Write(p []byte) (int, error) {
	if a.Len() == 0 {
		close(a.first)
	}
	return a.Buffer.Write(p)
}

func TestRunResult(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		script string
		exit   int
		signal syscall.Signal
		output string
	}{
		{"success", "echo fine", 0, 0, "fine\n"},
		{"exit code", "exit 42", 42, 0, ""},
		{"shell's not found", "no-such-command-here 2>/dev/null", 127, 0, ""},
		{"shell's not executable", ". /dev/null; touch f; ./f 2>/dev/null", 126, 0, ""},
		{"signal", "kill -USR1 $$", -1, syscall.SIGUSR1, ""},
		{"output closed before the end", "echo a; exec >&- 2>&-; sleep 0.01; exit 3", 3, 0, "a\n"},
		{"order of streams", "echo a; echo b >&2; echo c; echo d >&2", 0, 0, "a\nb\nc\nd\n"},
		{"no input", "cat; echo end", 0, 0, "end\n"},
		{"folder", "test -p HELD && echo here", 0, 0, "here\n"},
		{"own session and group", `test "$(ps -o sid= -o pgid= -p $$ | tr -s ' ' '\n' | grep -cx "$$")" = 2`, 0, 0, ""},
	}
	s := newSupervisor(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			c := shell(t, tt.script)
			c.Output = &out
			res := s.Run(t.Context(), c)
			if res.Err != nil || res.TimedOut || res.Cancelled {
				t.Fatalf("result %+v", res)
			}
			if res.Exit != tt.exit || res.Signal != tt.signal || out.String() != tt.output {
				t.Errorf("exit %d, signal %v, output %q; want %d, %v, %q",
					res.Exit, res.Signal, out.String(), tt.exit, tt.signal, tt.output)
			}
		})
	}
}

func TestRunClock(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ticks := 0
	s, err := New(func() time.Time { // called by one command at a time
		ticks++
		return begin.Add(time.Duration(ticks) * time.Minute)
	})
	if err != nil {
		t.Fatal(err)
	}
	res := s.Run(t.Context(), shell(t, ":"))
	if want := begin.Add(time.Minute); !res.Started.Equal(want) || res.Duration != time.Minute {
		t.Errorf("started %v, took %v; want %v, 1m", res.Started, res.Duration, want)
	}
}

func TestRunEnvironment(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	var out bytes.Buffer
	c := shell(t, `echo "$A ${HOME-none}"; echo "$CHANT_PROCESS"`)
	c.Env = append(c.Env, "A=first", "A=last", markerVariable+"=:outer")
	c.Output = &out
	if res := s.Run(t.Context(), c); res.Err != nil || res.Exit != 0 {
		t.Fatalf("result %+v", res)
	}
	first, marker, _ := strings.Cut(out.String(), "\n")
	if first != "last none" {
		t.Errorf("environment %q, want the last A and no HOME", first)
	}
	if !strings.HasPrefix(marker, ":outer"+s.prefix) {
		t.Errorf("marker %q does not go on from the outer one", marker)
	}
}

func TestRunCannotStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + dir
	tests := []struct {
		name string
		c    Command
		want error // nil: any
		text string
	}{
		{"not in PATH", Command{Argv: []string{"sh"}, Dir: dir, Env: []string{path}}, exec.ErrNotFound, "starting sh: "},
		{"no PATH", Command{Argv: []string{"sh"}, Dir: dir}, exec.ErrNotFound, "starting sh: "},
		{"relative PATH", Command{Argv: []string{"plain"}, Dir: dir, Env: []string{"PATH=.:"}}, exec.ErrNotFound, ""},
		{"folder in PATH",
			Command{Argv: []string{filepath.Base(dir)}, Dir: dir, Env: []string{"PATH=" + filepath.Dir(dir)}}, exec.ErrNotFound, ""},
		{"not executable", Command{Argv: []string{"plain"}, Dir: dir, Env: []string{path}}, fs.ErrPermission, ""},
		{"not executable, by path", Command{Argv: []string{"./plain"}, Dir: dir}, fs.ErrPermission, ""},
		{"missing, by path", Command{Argv: []string{"./missing"}, Dir: dir}, fs.ErrNotExist, "missing"},
		{"missing folder", Command{Argv: []string{"/bin/sh"}, Dir: dir + "/gone"}, fs.ErrNotExist, dir + "/gone"},
		{"relative folder", Command{Argv: []string{"/bin/sh"}, Dir: "."}, nil, "not absolute"},
		{"nothing", Command{Dir: dir}, nil, "no program"},
	}
	s := newSupervisor(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.c.Output = new(bytes.Buffer)
			tt.c.Stdin = strings.NewReader("input")
			res := s.Run(t.Context(), tt.c)
			if res.Err == nil || tt.want != nil && !errors.Is(res.Err, tt.want) {
				t.Fatalf("error %v, want %v", res.Err, tt.want)
			}
			if !strings.Contains(res.Err.Error(), tt.text) {
				t.Errorf("error %q lacks %q", res.Err, tt.text)
			}
			if !res.Started.IsZero() || res.Exit != -1 {
				t.Errorf("result %+v of a command that did not start", res)
			}
		})
	}
}

func TestRunStdin(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	input := strings.Repeat("0123456789abcde\n", 1<<16)
	t.Run("whole", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		c := shell(t, "cat")
		c.Stdin, c.Output = strings.NewReader(input), &out
		if res := s.Run(t.Context(), c); res.Err != nil || res.Exit != 0 || out.String() != input {
			t.Errorf("result %+v, %d of %d bytes came back", res, out.Len(), len(input))
		}
	})
	t.Run("unread", func(t *testing.T) {
		t.Parallel()
		c := shell(t, "exit 5")
		c.Stdin = strings.NewReader(input)
		if res := s.Run(t.Context(), c); res.Err != nil || res.Exit != 5 {
			t.Errorf("result %+v", res)
		}
	})
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		c := shell(t, "cat")
		c.Stdin = failingReader{}
		if res := s.Run(t.Context(), c); !errors.Is(res.Err, errBroken) || res.Exit != 0 {
			t.Errorf("result %+v", res)
		}
	})
}

func TestRunCancelledBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := shell(t, "echo ran")
	out := newAnnouncer()
	c.Output = out
	res := newSupervisor(t).Run(ctx, c)
	if !res.Cancelled || res.Err != nil || !res.Started.IsZero() || out.Len() != 0 {
		t.Errorf("result %+v, output %q", res, out.String())
	}
}

func TestRunStop(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		script string
		grace  time.Duration
		exit   int
		signal syscall.Signal
		output string
	}{
		{"default", "echo up; sleep 1000", limit, -1, syscall.SIGTERM, "up\n"},
		{"ends itself", "exec 2>/dev/null; trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done", limit, 0, 0, "up\n"},
		{"ignores SIGTERM", "trap '' TERM; echo up; while :; do sleep 1000; done", time.Millisecond, -1, syscall.SIGKILL, "up\n"},
		{"a child ignores SIGTERM",
			"exec 2>/dev/null; sh -c 'trap : TERM; echo up; while :; do sleep 1000; done' & wait", time.Millisecond, -1, syscall.SIGTERM, "up\n"},
		// The shell ends at once; its child must still have its grace.
		{"a child cleans up",
			"exec 2>/dev/null; sh -c 'trap \"echo clean; exit\" TERM; echo up; while :; do sleep 0.01; done' & wait",
			limit, -1, syscall.SIGTERM, "up\nclean\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSupervisor(t)
			s.Grace = tt.grace
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := newAnnouncer()
			c := shell(t, tt.script)
			c.Output = out
			go func() {
				<-out.first
				cancel()
			}()
			res := s.Run(ctx, c)
			if res.Err != nil || !res.Cancelled || res.TimedOut {
				t.Fatalf("result %+v", res)
			}
			if res.Exit != tt.exit || res.Signal != tt.signal || out.String() != tt.output {
				t.Errorf("exit %d, signal %v, output %q; want %d, %v, %q",
					res.Exit, res.Signal, out.String(), tt.exit, tt.signal, tt.output)
			}
		})
	}
}

func TestRunTimeout(t *testing.T) {
	t.Parallel()
	c := shell(t, "trap 'exit 0' TERM; while :; do sleep 0.01; done")
	c.Timeout = 50 * time.Millisecond
	res := newSupervisor(t).Run(t.Context(), c)
	if !res.TimedOut || res.Cancelled || res.Err != nil {
		t.Errorf("result %+v, want a timeout", res)
	}
}

// BenchmarkRun runs a command alternately by Run and by os/exec alone, and reports the ratio
// of the medians. On a busy Linux machine the ratio is larger, because the scheduler treats
// each session as a group of its own (sched_autogroup).
func BenchmarkRun(b *testing.B) {
	s := newSupervisor(b)
	c := Command{Argv: []string{"sh", "-ec", "true"}, Dir: b.TempDir(), Env: os.Environ(), Timeout: limit}
	var run, bare []time.Duration
	for b.Loop() {
		c.Output = NewBuffer(100, 100)
		start := time.Now()
		if res := s.Run(b.Context(), c); res.Err != nil || res.Exit != 0 {
			b.Fatalf("result %+v", res)
		}
		run = append(run, time.Since(start))
		start = time.Now()
		if err := exec.Command(c.Argv[0], c.Argv[1:]...).Run(); err != nil {
			b.Fatal(err)
		}
		bare = append(bare, time.Since(start))
	}
	slices.Sort(run)
	slices.Sort(bare)
	b.ReportMetric(float64(run[len(run)/2])/float64(bare[len(bare)/2]), "times-bare")
}
