package project

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"chant/runner/process"
	"chant/spec"
)

// CacheDir returns the folder of chant's own caches for the project at root: below
// XDG_CACHE_HOME, or else .cache in the home folder, or else in the folder other.
func CacheDir(root string, env []string, other string) string {
	dir := process.Getenv(env, "XDG_CACHE_HOME")
	if home := process.Getenv(env, "HOME"); !filepath.IsAbs(dir) && home != "" {
		dir = filepath.Join(home, ".cache")
	}
	if !filepath.IsAbs(dir) {
		dir = other
	}
	return filepath.Join(dir, "chant", fmt.Sprintf("%.16x", sha256.Sum256([]byte(root))))
}

// LoadUserConfig reads the user's config: chant/config.md in the folder XDG_CONFIG_HOME, or
// else in .config in the home folder (XDG Base Directory Specification). Its agents take
// precedence over the project's. Without such a file the config is zero.
func LoadUserConfig(env []string) (spec.Config, error) {
	dir, home := process.Getenv(env, "XDG_CONFIG_HOME"), process.Getenv(env, "HOME")
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
