//go:build unix && !linux && !darwin

package process

import "os"

// parentOf knows the parent of this process only.
func parentOf(pid int) (int, error) {
	if pid == os.Getpid() {
		return os.Getppid(), nil
	}
	return 0, nil
}

// Started returns the environment with which a process was started. This system does not
// show it, so the result is always nil.
func Started(int) []string { return nil }
