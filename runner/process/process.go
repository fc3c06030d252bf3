// Package process runs commands as supervised process trees: no process that a command
// has started outlives the command, however it ends. It knows nothing about specs.
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

// markerVariable is the environment variable that identifies the command that a process
// descends from. It has the marks of nested Supervisors, the outermost first.
const markerVariable = "CHANT_PROCESS"

// defaultGrace is the time between SIGTERM and SIGKILL.
const defaultGrace = 2 * time.Second

// defaultPatience is the longest time to wait until killed processes are gone, and until
// the output ends. Normally neither takes any time.
const defaultPatience = 5 * time.Second

// Supervisor starts commands and kills whole process trees. A program needs one, made
// with New. Its methods are safe for concurrent use.
//
// On Linux it finds every descendant of a command, also one that has left the process
// group or session, because orphans become children of this process. On other systems it
// kills only the command's process group.
type Supervisor struct {
	// Grace is the time between SIGTERM and SIGKILL for a command that timed out or was
	// cancelled. Change it only before the first Run.
	Grace time.Duration

	patience time.Duration
	now      func() time.Time
	children *os.File // Linux's list of the orphans; it stays open because it is read when a command ends
	null     *os.File // the input of commands without input; it stays open too
	prefix   string   // of the marks of this process's commands

	mu   sync.Mutex
	live map[*tree]bool // running commands
}

// New returns a Supervisor that reads the time from now. On Linux it makes the calling
// process a child subreaper, permanently, and returns the error of prctl.
//
// The program must start its other children with StartAside: the Supervisor would treat a
// child in another session as a descendant of a command.
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

// Runner runs commands; a Supervisor does.
type Runner interface {
	Run(ctx context.Context, c Command) Result
}

// Command describes a command to run.
type Command struct {
	Argv    []string      // the program and its arguments
	Path    string        // the program's file; if empty, Look finds it in Env's PATH
	Dir     string        // absolute
	Env     []string      // the complete environment; the last value of a repeated name counts
	Stdin   io.Reader     // nil means /dev/null; Run returns after the last Read of it
	Output  io.Writer     // gets stdout and stderr in the order of the writes; nil discards them
	Errors  io.Writer     // gets stderr, concurrently with Output; if nil, Output gets stderr
	Timeout time.Duration // of the command; 0 means none
}

// Result is how a command ended.
type Result struct {
	Exit      int            // the exit code; -1 if there is none
	Signal    syscall.Signal // that killed it; 0 if no signal did
	TimedOut  bool           // Timeout ended it, however it reacted to SIGTERM
	Cancelled bool           // the context ended it, or prevented its start
	Started   time.Time      // zero if it did not start
	Duration  time.Duration  // until the command itself ended
	Left      int            // processes that it left behind and that were killed

	// Err is nil if the command was started, its output was delivered and its tree has
	// ended. If Started is zero, Err says why the command could not start:
	// exec.ErrNotFound, fs.ErrPermission and so on. Else it is an error of Output,
	// Errors or Stdin, or says that processes could not be killed.
	Err error
}

// Run runs a command, and returns when its whole process tree has ended. The command is
// the leader of a new session and process group, so it has no terminal to read from.
// When ctx is done or the timeout is over, the tree gets SIGTERM and, after the grace,
// SIGKILL. If the command ends by itself, processes that it leaves running get SIGKILL.
//
// On Linux the command itself, but not its children, dies when this process dies, even
// if this process is killed.
func (s *Supervisor) Run(ctx context.Context, c Command) Result {
	if ctx.Err() != nil {
		return Result{Exit: -1, Cancelled: true}
	}
	t, err := s.prepare(c)
	if err != nil {
		return Result{Exit: -1, Err: err}
	}
	var res Result
	onOwnThread(func() { res = s.attend(ctx, t, c.Timeout) })
	if res.Started.IsZero() {
		return res
	}
	if res.Err == nil {
		res.Err = s.settle(t, &res)
	}
	res.Err = errors.Join(res.Err, t.streams.finish(s.patience))
	return res
}

// StartAside starts cmd as a child that no Supervisor of this process ends or waits for,
// whatever session it is in. What it leaves running is not protected.
func StartAside(cmd *exec.Cmd) (err error) {
	onOwnThread(func() { err = cmd.Start() })
	return err
}

// settle kills the processes that a command has left, and then takes its exit status.
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

// tree is a running command with all its descendants.
type tree struct {
	cmd     *exec.Cmd
	pid     int    // of the command, and so of its session and group
	mark    string // in the marker of every descendant that has not changed its environment
	streams *streams

	ended     chan struct{} // closed when the command itself has ended
	abandoned chan struct{} // closed when even SIGKILL has not ended it
}

// prepare checks the command, opens its streams and registers its tree.
func (s *Supervisor) prepare(c Command) (*tree, error) {
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
	t := &tree{mark: s.prefix + rand.Text(), ended: make(chan struct{}), abandoned: make(chan struct{})}
	t.cmd = &exec.Cmd{
		Path:        path,
		Args:        c.Argv,
		Dir:         c.Dir,
		Env:         append(slices.Clip(c.Env), markerVariable+"="+Getenv(c.Env, markerVariable)+t.mark),
		Stdin:       s.null,
		SysProcAttr: attributes(),
	}
	if t.streams, err = connect(t.cmd, c); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Argv[0], err)
	}
	// Before the start: else clear could treat the new process as an orphan.
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[t] = true
	return t, nil
}

// forget removes a tree from the running commands.
func (s *Supervisor) forget(t *tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, t)
}

// attend starts the command and returns when it has ended, or everything has been done to
// end it. It must stay on one thread, because the kernel sends the death signal when the
// parent thread ends. It does not start a goroutine, because waking another thread for
// each command would cost a tenth of the time of "sh -c true".
func (s *Supervisor) attend(ctx context.Context, t *tree, timeout time.Duration) (res Result) {
	res.Exit = -1
	started := s.now()
	if err := t.cmd.Start(); err != nil {
		res.Err = s.startError(t, err)
		return res
	}
	res.Started = started
	s.mu.Lock() // other commands read s.live
	t.pid = t.cmd.Process.Pid
	s.mu.Unlock()
	t.streams.handOver()

	var once sync.Once
	stop := func(why *bool) func() {
		return func() { once.Do(func() { *why = true; s.stop(t) }) }
	}
	release := context.AfterFunc(ctx, stop(&res.Cancelled))
	defer release()
	res.Err = awaitEnd(t, timeout, stop(&res.TimedOut))
	res.Duration = s.now().Sub(started)
	close(t.ended)
	once.Do(func() {}) // waits for a stop that has begun, and prevents a later one
	return res
}

// startError undoes prepare for a command that could not be started, and returns the error
// with the program's name.
func (s *Supervisor) startError(t *tree, err error) error {
	s.forget(t)
	t.streams.abandon()
	if _, dirErr := os.Stat(t.cmd.Dir); dirErr != nil {
		err = dirErr // the kernel's error is the same for a missing folder and a missing program
	}
	return fmt.Errorf("starting %s: %w", t.cmd.Args[0], err)
}

// stop sends SIGTERM to the tree, waits for the grace, and kills the command itself if it
// is still running. Clear kills the rest of the tree.
func (s *Supervisor) stop(t *tree) {
	s.terminate(t)
	grace := time.NewTimer(s.Grace)
	defer grace.Stop()
	select {
	case <-t.ended:
		// A shell ends at once. Its children may use the rest of the grace.
		s.awaitStrays(t, grace.C)
		return
	case <-grace.C:
	}
	signalGroup(t.pid, syscall.SIGKILL)
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	select {
	case <-t.ended:
	case <-patience.C: // another user's process, or one that is stuck in the kernel; it stays in s.live
		close(t.abandoned)
	}
}

// stillThere returns the error for a command that could not be ended.
func (t *tree) stillThere() error {
	return fmt.Errorf("ending %s: process %d is still there", t.cmd.Args[0], t.pid)
}

// reap takes the status of a command that has ended, unless that was done. An exit code
// other than 0 is not an error.
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

// Getenv returns the value of a variable; "" if it is not set. The last entry counts.
func Getenv(env []string, name string) string {
	value := ""
	for _, entry := range env {
		if key, v, ok := strings.Cut(entry, "="); ok && key == name {
			value = v
		}
	}
	return value
}
