// Package process runs commands as supervised process trees: nothing that a
// command started outlives it, however it ends. It knows nothing of specs.
package process

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Marker is the environment variable by which a process tells the command that
// it descends from. Its presence says that a process runs below a Supervisor;
// the value is a Supervisor's own business.
const Marker = "CHANT_PROCESS"

// defaultGrace is the time between SIGTERM and SIGKILL.
const defaultGrace = 2 * time.Second

// defaultPatience bounds the two waits that are over at once unless something
// is wrong: for killed processes to vanish, and for the end of the output.
const defaultPatience = 5 * time.Second

// Supervisor starts commands and ends whole process trees. A program needs one
// and makes it with New. Its methods are safe for concurrent use.
//
// On Linux every descendant of a command is found, also one that left its
// process group or session, because orphans become children of this process.
// Elsewhere only the command's process group is ended.
type Supervisor struct {
	// Grace is how long a command that timed out or was cancelled has between
	// SIGTERM and SIGKILL. Change it only before the first Run.
	Grace time.Duration

	patience time.Duration
	now      func() time.Time
	children *os.File // where Linux lists the orphans: kept open, as every command's end is a look at it
	null     *os.File // the input of commands that get none, kept open likewise
	prefix   string   // begins the marks of this process's commands

	mu   sync.Mutex
	live map[*tree]bool // commands in flight
}

// New returns a Supervisor that reads the time from now. On Linux it makes the
// calling process a child subreaper, for good; the error is that of prctl.
//
// The program must not itself start children with Setsid: a child in another
// session is taken for a command's.
func New(now func() time.Time) (*Supervisor, error) {
	children, err := adopt()
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	return &Supervisor{
		Grace:    defaultGrace,
		patience: defaultPatience,
		now:      now,
		children: children,
		null:     null,
		prefix:   fmt.Sprintf(":%d.", os.Getpid()),
		live:     map[*tree]bool{},
	}, nil
}

// Command says what to run.
type Command struct {
	Argv    []string      // the program and its arguments
	Path    string        // the program's file; where empty, Look finds it in Env's PATH
	Dir     string        // absolute
	Env     []string      // the complete environment; of a repeated name the last counts
	Stdin   io.Reader     // nil: /dev/null. Run returns after the last Read of it
	Output  io.Writer     // gets stdout and stderr in the order written; nil discards
	Errors  io.Writer     // gets stderr, perhaps at the same time as Output stdout; nil leaves it to Output
	Timeout time.Duration // of the command; 0: none
}

// Result is how a command ended.
type Result struct {
	Exit      int            // the exit code; -1 where there is none
	Signal    syscall.Signal // that killed it; 0 where none did
	TimedOut  bool           // Timeout ended it, whatever it then made of SIGTERM
	Cancelled bool           // the context ended it, or kept it from starting
	Started   time.Time      // zero where it did not start
	Duration  time.Duration  // until the command itself ended
	Left      int            // processes that it left behind and that were killed

	// Err is nil where the command was started, its output delivered and its
	// tree ended. Where Started is zero it says why the command could not
	// start: exec.ErrNotFound, fs.ErrPermission and so on. Else it is an error
	// of Output, Errors or Stdin, or tells of processes that could not be ended.
	Err error
}

// Run runs a command to its end and returns when nothing of its process tree
// is left. The command is the leader of a new session and process group, so it
// has no terminal to read from. When ctx is done or the timeout is over, the
// tree gets SIGTERM and, after the grace, SIGKILL; what a command leaves
// running when it ends by itself gets SIGKILL.
//
// On Linux the command itself, though not its children, dies with this process
// even when that is killed.
func (s *Supervisor) Run(ctx context.Context, c Command) Result {
	if ctx.Err() != nil {
		return Result{Exit: -1, Cancelled: true}
	}
	t, err := s.start(c)
	if err != nil {
		return Result{Exit: -1, Err: err}
	}
	res := Result{Exit: -1, Started: t.started}
	res.TimedOut, res.Cancelled = s.await(ctx, t, c.Timeout)
	select {
	case <-t.ended:
		res.Duration = t.endedAt.Sub(t.started)
		res.Err = t.endErr
	default: // another user's process, or one that the kernel holds; it stays in flight
		res.Duration = s.now().Sub(t.started)
		res.Err = fmt.Errorf("ending %s: process %d is still there", c.Argv[0], t.pid)
	}
	if res.Err == nil {
		res.Err = s.settle(t, &res)
	}
	res.Err = errors.Join(res.Err, t.streams.finish(s.patience))
	return res
}

// settle ends what a command left behind, then takes its exit status.
func (s *Supervisor) settle(t *tree, res *Result) error {
	left, err := s.clear(t)
	res.Left = left
	if waitErr := reap(t.cmd); waitErr != nil {
		return errors.Join(err, waitErr)
	}
	res.Exit = t.cmd.ProcessState.ExitCode()
	if status, ok := t.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		res.Signal = status.Signal()
	}
	return err
}

// tree is a command in flight with all that descends from it.
type tree struct {
	cmd     *exec.Cmd
	pid     int    // of the command itself, and so of its session and group
	mark    string // in the marker of every descendant that keeps its environment
	streams *streams
	started time.Time
	ended   chan struct{} // closed when the command itself has ended
	endedAt time.Time     // set before that
	endErr  error         // likewise: why its end could not be awaited
}

// start starts the command and registers its tree.
func (s *Supervisor) start(c Command) (*tree, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("starting a command: no program named")
	}
	if !filepath.IsAbs(c.Dir) {
		return nil, fmt.Errorf("starting %s: folder %q is not absolute", c.Argv[0], c.Dir)
	}
	path, err := c.Path, error(nil)
	if path == "" {
		if path, err = Look(c.Argv[0], c.Env); err != nil {
			return nil, fmt.Errorf("starting %s: %w", c.Argv[0], err)
		}
	}
	t := &tree{mark: s.prefix + rand.Text(), ended: make(chan struct{})}
	t.cmd = &exec.Cmd{
		Path:        path,
		Args:        c.Argv,
		Dir:         c.Dir,
		Env:         mark(c.Env, t.mark),
		Stdin:       s.null,
		SysProcAttr: attributes(),
	}
	if t.streams, err = connect(t.cmd, c); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Argv[0], err)
	}
	// Before it exists, lest clear takes the newborn for an orphan.
	s.register(t)
	if err := s.launch(t); err != nil {
		s.forget(t)
		t.streams.abandon()
		if _, dirErr := os.Stat(c.Dir); dirErr != nil {
			err = dirErr // the kernel's error does not tell a missing folder from a missing program
		}
		return nil, fmt.Errorf("starting %s: %w", c.Argv[0], err)
	}
	t.streams.run()
	return t, nil
}

// register counts a command as in flight.
func (s *Supervisor) register(t *tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[t] = true
}

// forget undoes register.
func (s *Supervisor) forget(t *tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, t)
}

// launch starts the command and watches for its end on a thread of its own:
// the kernel ties the death signal to the thread that was the parent.
func (s *Supervisor) launch(t *tree) error {
	started := make(chan error, 1)
	go onOwnThread(func() {
		t.started = s.now()
		err := t.cmd.Start()
		if err == nil {
			s.mu.Lock() // of other commands' looks at s.live
			t.pid = t.cmd.Process.Pid
			s.mu.Unlock()
		}
		started <- err
		if err == nil {
			t.endErr = awaitEnd(t.cmd)
			t.endedAt = s.now()
			close(t.ended)
		}
	})
	return <-started
}

// await returns when the command has ended or everything was done to end it.
func (s *Supervisor) await(ctx context.Context, t *tree, timeout time.Duration) (timedOut, cancelled bool) {
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-t.ended:
		return false, false
	case <-ctx.Done():
		cancelled = true
	case <-expired:
		timedOut = true
	}
	s.stop(t)
	return timedOut, cancelled
}

// stop asks the tree to end, gives it the grace, and kills the command itself
// if that is still there. What is left of the tree is for clear.
func (s *Supervisor) stop(t *tree) {
	s.terminate(t)
	grace := time.NewTimer(s.Grace)
	defer grace.Stop()
	select {
	case <-t.ended:
		// A shell ends at once; its children need the rest of the grace.
		s.awaitStrays(t, grace.C)
		return
	case <-grace.C:
	}
	signalGroup(t.pid, syscall.SIGKILL)
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	select {
	case <-t.ended:
	case <-patience.C:
	}
}

// reap takes the status of a command that has ended, if that is yet to do. An
// exit other than 0 is no error.
func reap(cmd *exec.Cmd) error {
	if cmd.ProcessState != nil {
		return nil
	}
	err := cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}

// mark returns env with the mark added to what a Supervisor further up set.
func mark(env []string, mark string) []string {
	outer := lookup(env, Marker)
	return append(slices.Clip(env), Marker+"="+outer+mark)
}

// lookup gives the value of a variable, "" where it is not set.
func lookup(env []string, name string) string {
	value := ""
	for _, entry := range env {
		if key, v, ok := strings.Cut(entry, "="); ok && key == name {
			value = v
		}
	}
	return value
}
