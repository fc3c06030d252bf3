package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// adopt makes this process the parent of the orphans among its descendants, and opens
// the list of the main thread's children (see onOwnThread). It returns nil if the kernel has
// no such list.
func adopt() (children *os.File, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("becoming a child subreaper: %w", err)
	}
	children, err = os.Open("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/children")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return children, err
}

// attributes puts a command into its own session. So it has its own process group and no
// terminal. Its descendants are never in our session, because no process can join an
// existing session.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// onOwnThread runs f on a thread that runs nothing else meanwhile, and is not the main
// thread. The kernel makes orphans children of the main thread, so the children of that
// thread are always orphans and never commands.
func onOwnThread(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != os.Getpid() {
		defer runtime.UnlockOSThread()
		f()
		return
	}
	locked, done := make(chan struct{}), make(chan struct{})
	go func() { // runs on another thread, because this one is locked
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		close(locked)
		f()
	}()
	<-locked
	runtime.UnlockOSThread() // so the caller can continue on the other thread, and stays off the main thread
	<-done
}

// pipe returns the two ends of a pipe that child processes do not inherit.
func pipe() (ends [2]int, err error) {
	err = unix.Pipe2(ends[:], unix.O_CLOEXEC)
	return ends, err
}

// Timeouts of poll(2) in awaitExit.
const (
	pollInterval    = 100 * time.Millisecond // how late the end of a command's time may be noticed
	noPidfdInterval = 2 * time.Millisecond   // how late the end of a command may be noticed if the kernel has no pidfd
)

// awaitEnd blocks until the command has ended. It does not reap the command, so that its
// pid, which is also the id of its group and session, cannot be reused yet. It calls expire
// after the timeout, and returns an error if the command was abandoned.
func awaitEnd(t *tree, timeout time.Duration, expire func()) error {
	var err error
	noHandle := t.cmd.Process.WithHandle(func(pidfd uintptr) { err = awaitExit(t, int32(pidfd), pollInterval, timeout, expire) })
	if noHandle != nil { // Linux before 5.4
		err = awaitExit(t, -1, noPidfdInterval, timeout, expire)
	}
	return err
}

// awaitExit implements awaitEnd, and starts to drain a pipe when it has output. It is one
// loop on one thread: a timer or a goroutine that reads a pipe would wake another thread,
// which takes longer than everything else that is done for a short command. A pidfd of -1
// is ignored by poll(2).
func awaitExit(t *tree, pidfd int32, interval, timeout time.Duration, expire func()) error {
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired, interval = timer.C, min(interval, max(timeout, time.Millisecond))
	}
	fds := []unix.PollFd{{Fd: pidfd, Events: unix.POLLIN}}
	for _, o := range t.streams.outlets {
		fds = append(fds, unix.PollFd{Fd: int32(o.fd), Events: unix.POLLIN})
	}
	for {
		if _, err := unix.Poll(fds, int(interval.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
			return wrap("awaiting the command's end", err)
		}
		if ended, err := hasEnded(t.pid); ended || err != nil {
			return wrap("awaiting the command's end", err)
		}
		for i, o := range t.streams.outlets {
			if fds[1+i].Revents&unix.POLLIN != 0 {
				o.begin()
			}
			if fds[1+i].Revents != 0 {
				fds[1+i].Fd = -1
			}
		}
		select {
		case <-t.abandoned:
			return t.stillThere()
		case <-expired:
			go expire()
		default:
		}
	}
}

// hasEnded reports whether a child is dead. It does not reap the child.
func hasEnded(pid int) (bool, error) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		if !errors.Is(err, unix.EINTR) {
			return info.Signo != 0, err
		}
	}
}

// terminate sends SIGTERM to the whole tree. Its root may still run.
func (s *Supervisor) terminate(t *tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Find the family before the group dies, because its processes connect others to
	// the tree. Clear gets the same error, and reports it.
	strays, _, _ := s.scan(t, false)
	signalGroup(t.pid, syscall.SIGTERM)
	for _, p := range strays {
		if p.group != t.pid {
			signal(p.pid, syscall.SIGTERM)
		}
	}
}

// awaitStrays returns when nothing is left of a tree whose command has ended,
// or when the grace is over.
func (s *Supervisor) awaitStrays(t *tree, grace <-chan time.Time) {
	// An error ends the grace. Clear gets the same error, and reports it.
	_, _ = poll(grace, func() (int, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		strays, dead, err := s.strays(t, false)
		return len(strays) + dead, err
	})
}

// clear kills and reaps what is left of a tree whose command has ended, and returns how
// many processes it killed. It repeats this until none is left, because a process may
// fork before it dies.
func (s *Supervisor) clear(t *tree) (int, error) {
	// Held all the time, so that no command starts while this one is the only one.
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, t)
	alone := len(s.live) == 0
	killed := map[int]bool{}
	alive := 0
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	_, err := poll(patience.C, func() (int, error) {
		strays, dead, err := s.strays(t, alone)
		for _, p := range strays {
			killed[p.pid] = true
			signalGroup(p.group, syscall.SIGKILL) // all at once: none can fork in between
			signal(p.pid, syscall.SIGKILL)
		}
		alive = len(strays)
		return alive + dead, err
	})
	if err == nil && alive > 0 {
		err = fmt.Errorf("ending a command's processes: %d are still there", alive)
	}
	return len(killed), err
}

// strays is like scan, for a tree whose command has ended. If there are no orphans, nothing
// is left of the tree, and one small read is enough.
func (s *Supervisor) strays(t *tree, alone bool) (strays []proc, dead int, err error) {
	kids, err := s.adopted()
	if err == nil && len(kids) == 0 {
		return nil, 0, nil
	}
	return s.scan(t, alone)
}

// scan finds the live processes of the tree, without the command itself. An orphan belongs
// to the command whose mark it has. An orphan without a mark belongs to the command if
// that is the only one. Scan reaps dead orphans and counts them: their children may have
// become orphans since, and only another scan finds these.
func (s *Supervisor) scan(t *tree, alone bool) (strays []proc, dead int, err error) {
	procs, err := processes()
	if err != nil {
		return nil, 0, fmt.Errorf("looking for a command's processes: %w", err)
	}
	kids, err := s.adopted()
	orphan, err := s.orphan(t, kids, err)
	if err != nil {
		return nil, 0, fmt.Errorf("looking for a command's orphans: %w", err)
	}
	members := map[int]bool{}
	for _, p := range procs {
		if !orphan(p) {
			continue
		}
		marks, alive := marker(p.pid)
		if !alive {
			dead++
			_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil) // nobody needs its status
			continue
		}
		if strings.Contains(marks, t.mark) || alone && !strings.Contains(marks, s.prefix) {
			members[p.pid] = true
		}
	}
	return family(procs, t.pid, members), dead, nil
}

// orphan makes a function from the result of adopted. It reports whether a process of
// another session is an orphan.
func (s *Supervisor) orphan(t *tree, kids []int, err error) (func(proc) bool, error) {
	if !errors.Is(err, fs.ErrNotExist) {
		return func(p proc) bool { return slices.Contains(kids, p.pid) }, err
	}
	// The kernel has no such list. Orphans are all children that are not commands.
	self := os.Getpid()
	commands := map[int]bool{t.pid: true} // clear has removed it from s.live already
	for other := range s.live {
		commands[other.pid] = true
	}
	return func(p proc) bool { return p.parent == self && !commands[p.pid] }, nil
}

// family returns the live processes of a tree without its root: the known members, and all
// processes that share a session with a member or the root, or are children of one.
func family(procs []proc, root int, members map[int]bool) []proc {
	sessions := map[int]bool{root: true}
	for found := -1; found != len(sessions)+len(members); {
		found = len(sessions) + len(members)
		for _, p := range procs {
			if members[p.pid] || members[p.parent] || sessions[p.session] {
				members[p.pid], sessions[p.session] = true, true
			}
		}
	}
	return slices.DeleteFunc(procs, func(p proc) bool {
		return !members[p.pid] || p.pid == root || p.state == zombie
	})
}
