package process

import (
	"bytes"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// zombie is the state of a process that is dead and not reaped.
const zombie = "Z"

// proc is an entry of the process table. See proc_pid_stat(5).
type proc struct {
	pid, parent, group, session int
	state                       string
}

// processes returns all processes outside our own session.
func processes() ([]proc, error) {
	own, err := unix.Getsid(0)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []proc
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // the process is gone
		}
		if p, ok := parseStat(pid, string(stat)); ok && p.session != own {
			all = append(all, p)
		}
	}
	return all, nil
}

// parseStat parses a stat line. The command's name in it may contain any character, also
// a parenthesis, so the fields begin after the last parenthesis.
func parseStat(pid int, stat string) (proc, bool) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 4 {
		return proc{}, false
	}
	p := proc{pid: pid, state: fields[0]}
	for i, to := range []*int{&p.parent, &p.group, &p.session} {
		n, err := strconv.Atoi(fields[i+1])
		if err != nil {
			return proc{}, false
		}
		*to = n
	}
	return p, true
}

// adopted reads the list of orphans. The error is fs.ErrNotExist if the kernel has no list.
func (s *Supervisor) adopted() ([]int, error) {
	if s.children == nil {
		return nil, fs.ErrNotExist
	}
	// The kernel may skip a child if the child before it is reaped during the read.
	// Then the next read misses the reaped one. So two equal reads are exact.
	var list []byte
	for {
		again, err := io.ReadAll(io.NewSectionReader(s.children, 0, math.MaxInt64))
		if err != nil {
			return nil, err
		}
		if bytes.Equal(list, again) {
			break
		}
		list = again
	}
	var pids []int
	for field := range bytes.FieldsSeq(list) {
		pid, err := strconv.Atoi(string(field))
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// For a moment a process that calls exec, or is dying, shows neither environment nor
// command line.
const (
	looks     = 50
	lookPause = 500 * time.Microsecond
)

// marker returns the marker of a process, or "" if it has none or does not show it. It
// returns false if the process is dead.
func marker(pid int) (marks string, alive bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	for look, bare := 0, 0; look < looks && bare < 2; look++ {
		stat, err := os.ReadFile(dir + "/stat")
		if p, ok := parseStat(pid, string(stat)); err != nil || !ok || p.state == zombie {
			return "", false
		}
		// What cannot be read belongs to another user, and counts as empty.
		line, _ := os.ReadFile(dir + "/cmdline")
		env, _ := os.ReadFile(dir + "/environ")
		if len(env) > 0 {
			return Getenv(strings.Split(string(env), "\x00"), markerVariable), true
		}
		if len(line) > 0 {
			bare++ // twice, because an exec may come between the two reads
		}
		<-time.NewTimer(lookPause).C
	}
	return "", true
}
