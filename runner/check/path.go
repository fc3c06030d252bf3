package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// WithProgram gives env with a PATH on which the program at self is found under
// its own name. Its folder comes last, so that it brings no other program
// before the user's; only where that name would find another program it comes
// first. An empty self changes nothing.
func WithProgram(env []string, self string) []string {
	if self == "" {
		return env
	}
	at := -1 // of a repeated name the last counts
	for i, entry := range env {
		if strings.HasPrefix(entry, "PATH=") {
			at = i
		}
	}
	dir := filepath.Dir(self)
	if at < 0 {
		return append(slices.Clip(env), "PATH="+dir)
	}
	dirs := strings.TrimPrefix(env[at], "PATH=")
	switch found := programOn(dirs, filepath.Base(self)); {
	case found == "" && dirs == "":
		dirs = dir
	case found == "":
		dirs += string(filepath.ListSeparator) + dir
	case !sameFile(found, self):
		dirs = dir + string(filepath.ListSeparator) + dirs
	}
	env = slices.Clone(env)
	env[at] = "PATH=" + dirs
	return env
}

// programOn gives the first program of that name on a PATH; "" where there is
// none.
func programOn(dirs, name string) string {
	for _, dir := range filepath.SplitList(dirs) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return path
		}
	}
	return ""
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
