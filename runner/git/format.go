package git

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// format is what a repository's configuration says about its form: see git's
// Documentation/technical/repository-version.txt.
type format struct {
	digits int    // of the names of objects
	odd    string // the setting for which only the git program reads and writes; "" for none
}

const (
	sha1Digits   = 40
	sha256Digits = 64
)

// readFormat reads the repository's own config file. Git is asked only where
// the text has something unusual.
func (r *Repo) readFormat() (f format, err error) {
	defer wrap(&err, "reading the format of the repository")
	f.digits = sha1Digits
	name := filepath.Join(r.common, "config")
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	unusual := regexp.MustCompile(`(?i)extensions|repositoryformatversion\s*=\s*"?[^01\s]`)
	if !unusual.Match(text) {
		return f, nil
	}
	out, err := r.git(context.Background(), call{args: []string{"config", "--file", name, "--list", "-z"}})
	if err != nil {
		return f, err
	}
	settings := parseConfig(out)
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !strings.HasPrefix(key, "extensions.") && key != "core.repositoryformatversion" {
			continue
		}
		setting := key + "=" + strings.ToLower(settings[key])
		switch setting {
		case "core.repositoryformatversion=0", "core.repositoryformatversion=1",
			"extensions.objectformat=sha1", "extensions.refstorage=files":
			continue
		case "extensions.objectformat=sha256":
			f.digits = sha256Digits
		}
		switch strings.TrimPrefix(key, "extensions.") {
		case "noop", "worktreeconfig", "preciousobjects", "relativeworktrees", "partialclone":
		default:
			f.odd = setting
		}
	}
	return f, nil
}

// config holds settings by their keys, as git config --list prints them: in
// lower case but for the middle part. The last value of a key counts.
type config map[string]string

// settings reads git's whole configuration.
func (r *Repo) settings(ctx context.Context) (_ config, err error) {
	defer wrap(&err, "reading git's configuration")
	out, err := r.git(ctx, call{args: []string{"config", "--list", "-z"}})
	return parseConfig(out), err
}

// parseConfig reads the output of git config --list -z.
func parseConfig(out []byte) config {
	c := config{}
	for item := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		key, value, ok := strings.Cut(item, "\n")
		if !ok {
			value = "true" // a key without "="
		}
		c[key] = value
	}
	return c
}

// on reports whether a boolean setting is true; git has refused what is no
// boolean already.
func (c config) on(key string) bool {
	return !slices.Contains([]string{"", "false", "no", "off", "0"}, strings.ToLower(c[key]))
}
