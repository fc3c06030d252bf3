package project

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"chant/spec"
)

// LoadUserConfig reads the user's config: chant/config.md in the folder XDG_CONFIG_HOME, or
// else in .config in the home folder (XDG Base Directory Specification). Its agents take
// precedence over the project's. Without such a file the config is zero.
func LoadUserConfig(env []string) (spec.Config, error) {
	dir, home := "", ""
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "XDG_CONFIG_HOME="); ok {
			dir = value
		}
		if value, ok := strings.CutPrefix(entry, "HOME="); ok {
			home = value
		}
	}
	if !filepath.IsAbs(dir) { // the specification says to ignore it
		if home == "" {
			return spec.Config{}, nil
		}
		dir = filepath.Join(home, ".config")
	}
	file := filepath.Join(dir, "chant", "config.md")
	src, err := ReadRegular(file)
	if errors.Is(err, fs.ErrNotExist) {
		return spec.Config{}, nil
	}
	if err != nil {
		return spec.Config{}, fmt.Errorf("reading the user's config: %w", err)
	}
	config, problems := spec.ParseUserConfig(file, src)
	return config, problems.Err()
}
