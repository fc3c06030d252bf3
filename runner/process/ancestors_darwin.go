package process

import "golang.org/x/sys/unix"

// parentOf returns the parent of a process, or 0 if the process is gone.
func parentOf(pid int) (int, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return 0, nil //nolint:nilerr // the answer about a process that is gone has the wrong size
	}
	return int(info.Eproc.Ppid), nil
}
