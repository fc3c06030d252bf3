package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// held opens a command's HELD pipe for reading, at once.
func held(t *testing.T, c Command) *os.File {
	t.Helper()
	f, err := os.OpenFile(Getenv(c.Env, "HELD"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// open opens one of a command's pipes without waiting for another end.
func open(t *testing.T, c Command, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(Getenv(c.Env, name), os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// tell writes to one of a command's pipes.
func tell(t *testing.T, c Command, name, text string) {
	t.Helper()
	if _, err := io.WriteString(open(t, c, name), text); err != nil {
		t.Fatal(err)
	}
}

// gone checks that every process that had the HELD pipe is dead and that the
// one that wrote its pid to it is reaped.
func gone(t *testing.T, f *os.File) {
	t.Helper()
	if err := f.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatalf("a process is still there: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is not reaped: %v", pid, err)
	}
}

// TestRunLeavesNothing is not parallel, nor are its cases: a process without
// marker is anybody's.
func TestRunLeavesNothing(t *testing.T) {
	const quiet = " >/dev/null 2>&1 </dev/null"
	tests := []struct {
		name   string
		script string
		exit   int
		left   int
	}{
		{"nothing", `sh -c 'echo $$ >"$HELD"'`, 0, 0},
		{"background child", `sh -c '` + stay + `' & read up <"$READY"; exit 3`, 3, 1},
		{"that holds no pipe", `sh -c '` + stay + `'` + quiet + ` & read up <"$READY"; exit 3`, 3, 1},
		{"that ignores signals", `sh -c 'trap "" TERM HUP INT; ` + stay + `' & read up <"$READY"; exit 3`, 3, 1},
		{"grandchild", `sh -c 'sh -c '\''` + stay + `'\''; :' & read up <"$READY"`, 0, 2},
		{"session", `setsid sh -c '` + stay + `' & read up <"$READY"`, 0, 1},
		{"daemon", `(setsid sh -c 'setsid sh -c '\''` + stay + `'\''` + quiet + ` &' &); read up <"$READY"`, 0, 1},
		{"below a daemon without marker",
			`env -i PATH="$PATH" HELD="$HELD" READY="$READY" setsid sh -c 'setsid sh -c '\''` + stay + `'\''; :' & read up <"$READY"`, 0, 2},
		{"daemon without marker",
			`(env -i PATH="$PATH" HELD="$HELD" READY="$READY" setsid sh -c '` + stay + `'` + quiet + ` &); read up <"$READY"`, 0, 1},
		{"daemon with a forged marker", `CHANT_PROCESS=:1.X setsid sh -c '` + stay + `' & read up <"$READY"`, 0, 1},
	}
	s := newSupervisor(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := shell(t, tt.script)
			pipe := held(t, c)
			c.Output = io.Discard
			res := s.Run(t.Context(), c)
			if res.Err != nil || res.Exit != tt.exit || res.Left != tt.left {
				t.Errorf("result %+v, want exit %d, %d left", res, tt.exit, tt.left)
			}
			gone(t, pipe)
			if kids, err := s.adopted(); err != nil || len(kids) > 0 {
				t.Errorf("children %v, error %v; want none", kids, err)
			}
		})
	}
}

// TestRunWithoutList is not parallel: where the kernel keeps no list of children, an orphan
// is any child that is not a command. The command itself is none, and keeps its status.
func TestRunWithoutList(t *testing.T) {
	s := newSupervisor(t)
	s.children = nil
	c := shell(t, `setsid sh -c '`+stay+`' & read up <"$READY"; exit 3`)
	pipe := held(t, c)
	if res := s.Run(t.Context(), c); res.Err != nil || res.Exit != 3 || res.Left != 1 {
		t.Errorf("result %+v, want exit 3, 1 left", res)
	}
	gone(t, pipe)
}

// TestRunReapsDeadOrphan: an orphan that ended by itself leaves no zombie.
func TestRunReapsDeadOrphan(t *testing.T) {
	t.Parallel()
	c := shell(t, `setsid sh -c 'echo $$ >"$HELD"; echo up >"$READY"' & read up <"$READY"`)
	pipe := held(t, c)
	if res := newSupervisor(t).Run(t.Context(), c); res.Err != nil || res.Exit != 0 {
		t.Errorf("result %+v", res)
	}
	gone(t, pipe)
}

// TestRunStopsDaemon: SIGTERM reaches a descendant that left the group.
func TestRunStopsDaemon(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	s.Grace = limit
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := newAnnouncer()
	c := shell(t, `setsid sh -c 'exec 2>/dev/null; trap "echo clean; exit" TERM; echo $$ >"$HELD"; echo up; while :; do sleep 0.01; done'; :`)
	c.Output = out
	pipe := held(t, c)
	go func() {
		<-out.first
		cancel()
	}()
	res := s.Run(ctx, c)
	if res.Err != nil || !res.Cancelled || res.Left != 0 || out.String() != "up\nclean\n" {
		t.Errorf("result %+v, output %q", res, out.String())
	}
	gone(t, pipe)
}

// TestRunMultiplying: processes that start others in new sessions all the time.
func TestRunMultiplying(t *testing.T) {
	t.Parallel()
	c := shell(t, `
		multiply() { setsid sh -c 'exec 9>"$HELD"; while :; do setsid sleep 1000 & sleep 0.001; done' & }
		multiply; multiply
		sh -c '`+stay+`' & read up <"$READY"`)
	pipe := held(t, c)
	res := newSupervisor(t).Run(t.Context(), c)
	if res.Err != nil || res.Left < 3 {
		t.Errorf("result %+v", res)
	}
	gone(t, pipe)
}

// TestRunBesideOthers: a command's end leaves other commands' daemons alone.
func TestRunBesideOthers(t *testing.T) {
	t.Parallel()
	const commands = 8
	s := newSupervisor(t)
	var wg sync.WaitGroup
	var outs [commands]*announcer
	var cs [commands]Command
	for i := range commands {
		cs[i] = shell(t, `(setsid sh -c 'echo up >"$READY"; read ask <"$HELD"; echo alive >"$READY"; exec sleep 1000' &)
			read up <"$READY"; echo up; until read answer <"$READY"; do :; done; test "$answer" = alive`)
		outs[i] = newAnnouncer()
		cs[i].Output = outs[i]
		wg.Go(func() {
			if res := s.Run(t.Context(), cs[i]); res.Err != nil || res.Exit != 0 || res.Left != 1 {
				t.Errorf("command %d: result %+v", i, res)
			}
		})
	}
	for _, out := range outs {
		<-out.first
	}
	// All daemons are up: as the commands end in any order, those of the
	// others must live to answer.
	for _, c := range cs {
		tell(t, c, "HELD", "ask\n")
	}
	wg.Wait()
}

// TestRunUnmarkedBesideOthers is not parallel: an orphan without marker stays
// until the last command that may have left it has ended.
func TestRunUnmarkedBesideOthers(t *testing.T) {
	s := newSupervisor(t)
	long := shell(t, `echo up; read go <"$READY"`)
	out := newAnnouncer()
	long.Output = out
	done := make(chan Result, 1)
	go func() { done <- s.Run(t.Context(), long) }()
	<-out.first

	c := shell(t, `(env -i PATH="$PATH" HELD="$HELD" READY="$READY" setsid sh -c '`+stay+`' &); read up <"$READY"`)
	pipe := held(t, c)
	if res := s.Run(t.Context(), c); res.Err != nil || res.Left != 0 {
		t.Errorf("result %+v, want none left while another command runs", res)
	}
	tell(t, long, "READY", "go\n")
	if res := <-done; res.Err != nil || res.Left != 1 {
		t.Errorf("result %+v, want the orphan ended by the last command", res)
	}
	gone(t, pipe)
}

// TestRunSparesOtherChildren: a child that package os/exec started keeps
// running and keeps its exit status, also without a marker.
func TestRunSparesOtherChildren(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "read go; exit 9")
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if res := s.Run(t.Context(), shell(t, "setsid sleep 1000 &")); res.Err != nil {
		t.Errorf("result %+v", res)
	}
	if _, err := io.WriteString(in, "go\n"); err != nil {
		t.Error(err)
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 9 {
		t.Errorf("the other child: %v, want exit 9", err)
	}
}

// TestRunHeldOpen: a stranger with the output pipes does not hang the run.
func TestRunHeldOpen(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	s.patience = 50 * time.Millisecond
	c := shell(t, `echo up; read go <"$READY"; exit 4`)
	out := newAnnouncer()
	c.Output, c.Errors = out, io.Discard
	done := make(chan Result, 1)
	go func() { done <- s.Run(t.Context(), c) }()
	<-out.first
	for _, fd := range []int{1, 2} {
		stranger, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/%d", commandPid(t, s), fd), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
	}
	tell(t, c, "READY", "go\n")
	if res := <-done; !errors.Is(res.Err, errHeldOpen) || res.Exit != 4 {
		t.Errorf("result %+v, want exit 4 and %v", res, errHeldOpen)
	}
}

// commandPid is the pid of the one command in flight.
func commandPid(t *testing.T, s *Supervisor) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for tree := range s.live {
		return tree.pid
	}
	t.Fatal("no command in flight")
	return 0
}

// TestKilledSupervisor: the command dies with a supervisor that is killed.
func TestKilledSupervisor(t *testing.T) {
	t.Parallel()
	c := shell(t, "")
	pipe, ready := held(t, c), open(t, c, "READY")
	if err := ready.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(c.Env, childEnv+"=stay")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if n, err := ready.Read(make([]byte, 8)); n == 0 {
		t.Fatalf("the command is not up: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the supervisor was not killed")
	}
	if err := pipe.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(pipe); err != nil {
		t.Errorf("the command is still there: %v", err)
	}
}

// TestRunNested: what a killed supervisor leaves belongs to the outer one's
// command, also when that is not alone.
func TestRunNested(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	s.live[&tree{mark: s.prefix + "another"}] = true
	c := shell(t, "")
	c.Argv = []string{os.Args[0]}
	c.Env = append(c.Env, childEnv+"=die")
	pipe := held(t, c)
	res := s.Run(t.Context(), c)
	if res.Err != nil || res.Signal != syscall.SIGKILL || res.Left < 1 {
		t.Errorf("result %+v", res)
	}
	gone(t, pipe)
}

// TestRunReleases is not parallel: it counts the program's descriptors and
// goroutines.
func TestRunReleases(t *testing.T) {
	s := newSupervisor(t)
	use := func() (fds, goroutines int) {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(names), runtime.NumGoroutine()
	}
	round := func() {
		c := shell(t, "sleep 1000 & cat")
		c.Stdin, c.Output, c.Errors = strings.NewReader("x"), io.Discard, io.Discard
		if res := s.Run(t.Context(), c); res.Err != nil || res.Left != 1 {
			t.Fatalf("result %+v", res)
		}
		c.Argv = []string{"./missing"}
		c.Stdin = strings.NewReader("x")
		if res := s.Run(t.Context(), c); !errors.Is(res.Err, fs.ErrNotExist) {
			t.Fatalf("result %+v", res)
		}
	}
	round() // the poller opens descriptors of its own at first use
	fds, goroutines := use()
	for range 20 {
		round()
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for { // a watching goroutine may take a moment to be gone
		nowFds, nowGoroutines := use()
		if nowFds <= fds && nowGoroutines <= goroutines {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%d descriptors and %d goroutines became %d and %d", fds, goroutines, nowFds, nowGoroutines)
		}
		runtime.Gosched()
	}
}
