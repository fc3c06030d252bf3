package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// adopt makes orphans among our descendants our own children, and opens the list
// in which they stand.
func adopt() (children *os.File, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("becoming a child subreaper: %w", err)
	}
	return openChildren()
}

// attributes puts a command into a session of its own. That gives it a process
// group, takes the terminal away, and tells its descendants from our other
// children for good: no process can join a session that exists.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// onOwnThread runs f on a thread that runs nothing else meanwhile and is not
// the main thread. The main thread is the one that the kernel gives orphans
// to, so the children of that thread are orphans and never commands.
func onOwnThread(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Gettid() != os.Getpid() {
		f()
		return
	}
	done := make(chan struct{})
	go func() { // gets another thread, as this one is locked
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		f()
	}()
	<-done
}

// awaitEnd blocks until the command has ended, and does not reap it: so its
// pid, and with it the ids of its group and session, cannot be reused yet.
func awaitEnd(cmd *exec.Cmd) error {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return wrap("awaiting the command's end", err)
		}
	}
}

// terminate sends SIGTERM to the whole tree, whose root may still run.
func (s *Supervisor) terminate(t *tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Before the group dies, as its processes link others to the tree. Clear
	// meets the same error, and reports it.
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
	// An error ends the grace; clear meets the same one, and reports it.
	_, _ = poll(grace, func() (int, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		strays, dead, err := s.strays(t, false)
		return len(strays) + dead, err
	})
}

// clear kills and reaps what is left of a tree whose command has ended, and
// returns how many processes it killed. It repeats until none is left, as a
// process may fork before it dies.
func (s *Supervisor) clear(t *tree) (int, error) {
	// Held throughout, so that no command starts once this one is alone.
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

// strays gives what is left of a tree whose command has ended, like scan. Where
// nothing is, it costs one small read: what is left would be below an orphan.
func (s *Supervisor) strays(t *tree, alone bool) (strays []proc, dead int, err error) {
	kids, err := s.adopted()
	if err == nil && len(kids) == 0 {
		return nil, 0, nil
	}
	return s.scan(t, alone)
}

// scan finds the live processes of the tree but for the command itself. An
// orphan belongs to the command whose mark it has; one without any belongs to
// a command that is alone. Scan reaps the dead orphans that it comes upon and
// counts them: where there were any, their children may have become orphans
// since, and only another scan finds those.
func (s *Supervisor) scan(t *tree, alone bool) (strays []proc, dead int, err error) {
	procs, err := processes()
	if err != nil {
		return nil, 0, fmt.Errorf("looking for a command's processes: %w", err)
	}
	orphan, err := s.orphan(s.adopted())
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
			_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil) // nobody wants its status
			continue
		}
		if strings.Contains(marks, t.mark) || alone && !strings.Contains(marks, s.prefix) {
			members[p.pid] = true
		}
	}
	return family(procs, t.pid, members), dead, nil
}

// orphan turns the answer of adopted into a function that tells the orphans
// among the processes of other sessions.
func (s *Supervisor) orphan(kids []int, err error) (func(proc) bool, error) {
	if !errors.Is(err, fs.ErrNotExist) {
		return func(p proc) bool { return slices.Contains(kids, p.pid) }, err
	}
	// A kernel without that list: all children that are no commands.
	self := os.Getpid()
	commands := map[int]bool{}
	for t := range s.live {
		commands[t.pid] = true
	}
	return func(p proc) bool { return p.parent == self && !commands[p.pid] }, nil
}

// family gives the live processes of a tree but for its root: the members that
// are known, and what shares a session with a member or the root, or has one
// as its parent.
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
