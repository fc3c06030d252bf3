package project

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"chant/spec"
)

// LoadUserConfig reads the user's own config: chant/config.md in the folder that
// XDG_CONFIG_HOME names, else in .config of the home folder (XDG Base Directory
// Specification). Its agents count more than a project's. There may be none.
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
	if !filepath.IsAbs(dir) { // the specification wants it ignored then
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
		return spec.Config{}, fmt.Errorf("reading your own config: %w", err)
	}
	config, problems := spec.ParseUserConfig(file, src)
	return config, problems.Err()
}
