package git

import (
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"chant/runner/git/config"
)

// format is what a repository's configuration says about its form: git's
// Documentation/technical/repository-version.txt.
type format struct {
	objects string // how objects are named: "sha1", "sha256"
	refs    string // how refs are stored: "files", "reftable"
	unknown string // an extension that nothing is known about; "" for none
	partial bool   // some objects may still be with a remote
}

// formatOf reads a repository's own configuration.
func formatOf(c config.Config) (format, error) {
	f := format{objects: "sha1", refs: "files"}
	switch v := setting(c, "core.repositoryformatversion"); v {
	case "", "0", "1":
	default:
		return f, fmt.Errorf("repository format %s is not supported (use one made by git init)", v)
	}
	for key := range c.Keys() {
		if strings.HasPrefix(key, "remote.") && strings.HasSuffix(key, ".promisor") && isTrue(c, key) {
			f.partial = true
		}
		name, ok := strings.CutPrefix(key, "extensions.")
		if !ok {
			continue
		}
		switch name {
		case "noop", "worktreeconfig", "preciousobjects", "relativeworktrees":
		case "partialclone":
			f.partial = true
		case "objectformat":
			f.objects = strings.ToLower(setting(c, key))
		case "refstorage":
			f.refs = strings.ToLower(setting(c, key))
		default:
			f.unknown = name
		}
	}
	return f, nil
}

// setting gives a value, "" where there is none.
func setting(c config.Config, key string) string {
	value, _ := c.Get(key)
	return value
}

// isTrue reads a boolean; what is no boolean is not true.
func isTrue(c config.Config, key string) bool {
	value, err := c.Bool(key, false)
	return err == nil && value
}

// native tells whether objects can be read without git.
func (f format) native() bool { return f.objects == "sha1" && f.unknown == "" }

// plain tells whether both objects and refs can be read without git.
func (f format) plain() bool { return f.native() && f.refs == "files" }

// sha1Size is the length of an object's name in bytes where SHA-1 makes it.
const sha1Size = len(plumbing.Hash{})

// idSize gives the length of an object's name in bytes.
func (f format) idSize() int {
	if f.objects == "sha256" {
		return 32
	}
	return sha1Size
}

// String names what only git can read.
func (f format) String() string {
	if f.unknown != "" {
		return "a repository with the extension " + f.unknown
	}
	return fmt.Sprintf("a repository with %s objects and refs in %s", f.objects, f.refs)
}
