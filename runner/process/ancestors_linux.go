package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// parentOf gives a process's parent; 0 where the process is gone, or hidden.
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
