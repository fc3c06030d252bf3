//go:build unix && !linux && !darwin

package process

import "os"

// parentOf knows of this process only.
func parentOf(pid int) (int, error) {
	if pid == os.Getpid() {
		return os.Getppid(), nil
	}
	return 0, nil
}

// Started gives the environment in which a process was started; here the system
// does not show it.
func Started(int) []string { return nil }
