package checkout

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mounted is a file system of its own, for those who may mount one.
func mounted(t *testing.T, options string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	var flags uintptr
	if rest, ok := strings.CutPrefix(options, "ro,"); ok {
		flags, options = syscall.MS_RDONLY, rest
	}
	if err := syscall.Mount("chant-test", dir, "tmpfs", flags, options); err != nil {
		t.Skip("mounting a file system: ", err)
	}
	// Detached, as a process that another test forks has our files open until it execs.
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}
