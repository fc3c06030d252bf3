//go:build unix && !linux

package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// awaitEnd blocks until the command has ended and reaps it.
func awaitEnd(cmd *exec.Cmd) error {
	return reap(cmd)
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
