package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// zeros is the hash of nothing.
const zeros = "0000000000000000000000000000000000000000"

// reflogs is core.logAllRefUpdates.
type reflogs int

const (
	reflogsUsual  reflogs = iota // HEAD, branches, remotes and notes: git's default with a work tree
	reflogsOff                   // only where there is a log already
	reflogsAlways                // all refs
)

// wants tells whether a ref without a log is to get one.
func (l reflogs) wants(ref string) bool {
	if l != reflogsUsual {
		return l == reflogsAlways
	}
	for _, prefix := range []string{"refs/heads/", "refs/remotes/", "refs/notes/"} {
		if strings.HasPrefix(ref, prefix) {
			return true
		}
	}
	return ref == "HEAD"
}

// reflogLine gives one line of a reflog. git writes the reason without line
// ends and runs of blanks.
func reflogLine(from, to Hash, committer, reason string) string {
	if from == "" {
		from = zeros
	}
	return fmt.Sprintf("%s %s %s\t%s\n", from, to, committer, strings.Join(strings.Fields(reason), " "))
}

// appendReflog adds a line to a ref's log.
func (r *Repo) appendReflog(d *disk, l reflogs, ref, line string) (err error) {
	name := filepath.Join(r.refDir(ref), "logs", filepath.FromSlash(ref))
	if err := removeEmptyFolders(name); err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_APPEND
	created := !exists(name)
	if created {
		if !l.wants(ref) {
			return nil
		}
		flags |= os.O_CREATE
		if err := d.mkdirAll(filepath.Dir(name)); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(name, flags, 0o666)
	if err != nil {
		return fmt.Errorf("opening the reflog of %s: %w", ref, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if created {
		if err := d.adjust(name); err != nil {
			return err
		}
	}
	_, err = f.WriteString(line)
	return err
}
