package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Started returns the environment with which a process was started, without the changes
// that it made since. It is nil if the system does not show it.
func Started(pid int) []string {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil { // the process is gone, or another user's
		return nil
	}
	return strings.Split(string(env), "\x00")
}

// parentOf returns the parent of a process, or 0 if the process is gone or hidden.
func parentOf(pid int) (int, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	p, ok := parseStat(pid, string(stat))
	if !ok {
		return 0, fmt.Errorf("unknown form: %q", stat)
	}
	return p.parent, nil
}
