package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// config holds settings by their keys, as git config --list prints them: in
// lower case but for the middle part. The last value of a key counts.
type config map[string]string

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
	switch strings.ToLower(c[key]) {
	case "", "false", "no", "off", "0":
		return false
	default:
		return true
	}
}

// format is what a repository's configuration says about its form: see git's
// Documentation/technical/repository-version.txt.
type format struct {
	objects string // how objects are named: "sha1", "sha256"
	refs    string // how refs are stored: "files", "reftable"
	unknown string // an extension that nothing is known about; "" for none
}

// readFormat reads the repository's own config file. Git is asked only where
// the text has something unusual.
func (r *Repo) readFormat() (format, error) {
	f := format{objects: "sha1", refs: "files"}
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
		return f, fmt.Errorf("reading the format of the repository: %w", err)
	}
	for key, value := range parseConfig(out) {
		if key == "core.repositoryformatversion" && value != "0" && value != "1" {
			return f, fmt.Errorf("reading the format of the repository: version %s is not supported (use a repository made by git init)", value)
		}
		extension, ok := strings.CutPrefix(key, "extensions.")
		if !ok {
			continue
		}
		switch extension {
		case "noop", "worktreeconfig", "preciousobjects", "relativeworktrees", "partialclone":
		case "objectformat":
			f.objects = strings.ToLower(value)
		case "refstorage":
			f.refs = strings.ToLower(value)
		default:
			f.unknown = extension
		}
	}
	return f, nil
}

// native reports whether go-git reads and writes the objects.
func (f format) native() bool { return f.objects == "sha1" && f.unknown == "" }

// plain reports whether the refs are files too.
func (f format) plain() bool { return f.native() && f.refs == "files" }

// String names what only git can read.
func (f format) String() string {
	if f.unknown != "" {
		return "a repository with the extension " + f.unknown
	}
	return fmt.Sprintf("a repository with %s objects and refs in %s", f.objects, f.refs)
}
