package process

import (
	"syscall"
	"time"
)

// Pauses between two checks of what is left of a tree.
const (
	firstPause = 200 * time.Microsecond
	lastPause  = 20 * time.Millisecond
)

// poll calls left until that returns 0 or an error, or until the end fires. It returns
// the last result of left.
func poll(end <-chan time.Time, left func() (int, error)) (int, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		n, err := left()
		if n == 0 || err != nil {
			return n, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-end:
			timer.Stop()
			return n, nil
		}
	}
}

// signal sends a signal to a process. It ignores errors: either the process is gone, or it
// belongs to another user, and the caller later finds that it is still there.
func signal(pid int, sig syscall.Signal) {
	_ = syscall.Kill(pid, sig)
}

// signalGroup sends a signal to a process group. See signal.
func signalGroup(group int, sig syscall.Signal) {
	if group > 1 { // for kill(2), 0 is our own group, and -1 is every process
		signal(-group, sig)
	}
}
