package process

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Look finds the file of a program in the PATH of env, the environment of the command. It
// does not use this process's PATH. It returns a name with a slash unchanged. Like
// package exec, it ignores relative entries of PATH, and its error is an *exec.Error.
func Look(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	found := exec.ErrNotFound
	for _, dir := range filepath.SplitList(Getenv(env, "PATH")) {
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
