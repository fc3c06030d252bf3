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
