//go:build unix && !linux

package process

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// adopt does nothing: only Linux gives orphans to a chosen ancestor.
func adopt() (children *os.File, err error) { return nil, nil }

// attributes puts a command into its own session and process group.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true}
}

// onOwnThread runs f.
func onOwnThread(f func()) { f() }

// pipe returns the two ends of a pipe that child processes do not inherit.
func pipe() (ends [2]int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Pipe(ends[:]); err != nil {
		return ends, err
	}
	syscall.CloseOnExec(ends[0])
	syscall.CloseOnExec(ends[1])
	return ends, nil
}

// awaitEnd blocks until the command has ended, and reaps it. It calls expire after the
// timeout, and returns an error if the command was abandoned.
func awaitEnd(t *tree, timeout time.Duration, expire func()) error {
	for _, o := range t.streams.outlets {
		o.begin()
	}
	if timeout > 0 {
		timer := time.AfterFunc(timeout, expire)
		defer timer.Stop()
	}
	reaped := make(chan error, 1)
	go func() { reaped <- reap(t.cmd) }()
	select {
	case err := <-reaped:
		return err
	case <-t.abandoned:
		return t.stillThere()
	}
}

// terminate sends SIGTERM to the command's process group.
func (s *Supervisor) terminate(t *tree) {
	signalGroup(t.pid, syscall.SIGTERM)
}

// awaitStrays returns when the process group is empty or the grace is over.
func (s *Supervisor) awaitStrays(t *tree, grace <-chan time.Time) {
	// groupLeft returns no errors.
	_, _ = poll(grace, func() (int, error) { return groupLeft(t, 0), nil })
}

// clear kills what is left of the process group of a command that has ended.
// It does not know how many processes it killed: it returns 0 or 1.
func (s *Supervisor) clear(t *tree) (int, error) {
	s.forget(t)
	killed := groupLeft(t, syscall.SIGKILL)
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	left, err := poll(patience.C, func() (int, error) { return groupLeft(t, syscall.SIGKILL), nil })
	if err == nil && left > 0 {
		err = fmt.Errorf("ending a command's processes: group %d is still there", t.pid)
	}
	return killed, err
}

// groupLeft signals the command's process group and returns 1 if there is one.
// On macOS the error for a group of dead processes is EPERM.
func groupLeft(t *tree, sig syscall.Signal) int {
	err := syscall.Kill(-t.pid, sig)
	if errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.EPERM) {
		return 0
	}
	return 1
}
