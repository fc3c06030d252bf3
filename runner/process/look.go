package process

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Look finds a program's file the way the command itself would: in the PATH of
// its own environment env, not of this process's. A name with a slash is left
// alone. Relative entries of PATH are passed over, as in package exec, whose
// *exec.Error is the error.
func Look(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	found := exec.ErrNotFound
	for _, dir := range filepath.SplitList(lookup(env, "PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if info.Mode().Perm()&0o111 != 0 {
			return path, nil
		}
		found = fs.ErrPermission
	}
	return "", &exec.Error{Name: name, Err: found}
}
