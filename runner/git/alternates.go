package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// objectDirs gives the object folder start and all that it borrows from.
func objectDirs(start string) ([]string, error) {
	dirs := []string{start}
	for i := 0; i < len(dirs); i++ {
		more, err := alternates(dirs[i])
		if err != nil {
			return nil, err
		}
		for _, dir := range more {
			if !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs, nil
}

// alternates lists the object folders that dir borrows from. As in git, one
// that doesn't exist is passed over.
func alternates(dir string) ([]string, error) {
	data, err := os.ReadFile(filepath.Join(dir, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		other, err := filepath.EvalSymlinks(inside(dir, line))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, other)
	}
	return dirs, nil
}
