package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// standing is what the work tree has at a path.
type standing struct {
	kind  standingKind
	above string // beyond and nested: the symlink or repository in the way
}

type standingKind int

const (
	absent     standingKind = iota // nothing, or a file where its folder was
	present                        // a file or a symlink
	folder                         // a folder
	repository                     // the top of another repository
	nested                         // within another repository
	beyond                         // reached through a symlink only
	special                        // a device, a pipe or a socket
)

// standing looks at one path of the work tree without following symlinks.
func (r *Repo) standing(name string) (standing, error) {
	for dir := range folders(name) {
		info, err := os.Lstat(filepath.Join(r.top, dir))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return standing{kind: absent}, nil
		case err != nil:
			return standing{}, err
		case info.Mode().Type() == fs.ModeSymlink:
			return standing{kind: beyond, above: dir}, nil
		case !info.IsDir():
			return standing{kind: absent}, nil
		case exists(filepath.Join(r.top, dir, ".git")):
			return standing{kind: nested, above: dir}, nil
		}
	}
	info, err := os.Lstat(filepath.Join(r.top, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return standing{kind: absent}, nil
	case err != nil:
		return standing{}, err
	case info.IsDir() && exists(filepath.Join(r.top, name, ".git")):
		return standing{kind: repository}, nil
	case info.IsDir():
		return standing{kind: folder}, nil
	case info.Mode().IsRegular() || info.Mode().Type() == fs.ModeSymlink:
		return standing{kind: present}, nil
	default:
		return standing{kind: special}, nil
	}
}

// place is one of the requested paths among the others.
type place struct {
	path    string
	at      map[string]standing // of every requested path
	tracked []trackedAs
	known   map[string]bool
}

// named tells whether the path is to be named to git. A path that git knows
// nothing of and that isn't there is nobody's business. git takes a named
// path for all that lies below it too, and a folder for its files, which is
// more than was asked for.
func (p place) named() (bool, error) {
	gitlink := false
	for _, t := range p.tracked {
		switch {
		case t.gitlink() && within(p.path, t.path):
			return false, p.refuse(t.path + " is a submodule (commit there)")
		case t.path != p.path:
		case t.unmerged():
			return false, p.refuse(unmerged)
		case t.alone():
			return false, p.refuse("git is told to leave it alone (run git update-index --no-skip-worktree or git sparse-checkout add)")
		default:
			gitlink = t.gitlink()
		}
	}
	known := p.known[p.path]
	switch at := p.at[p.path]; at.kind {
	case present:
		return true, nil
	case special:
		return false, p.refuse("neither a file nor a symlink")
	case nested:
		return false, p.refuse(at.above + " is a repository of its own (commit there)")
	case repository:
		if gitlink {
			return true, nil
		}
		return false, p.refuse("it is a repository of its own (commit there)")
	case beyond:
		if known && p.at[at.above].kind == present { // replaced by that symlink
			return false, nil
		}
		return false, p.refuse(at.above + " is a symlink (name the file where it is)")
	case folder:
		if known && !gitlink && p.replaced() {
			return false, nil
		}
		return false, p.refuse("it is a folder (name the files in it)")
	default:
		return known, p.noFolder()
	}
}

// replaced tells whether a requested file lies below the path: to commit it
// removes what was at the path.
func (p place) replaced() bool {
	for name, at := range p.at {
		if at.kind == present && within(name, p.path) {
			return true
		}
	}
	return false
}

// noFolder refuses a path that was a folder, unless all that git knows below it
// is requested too.
func (p place) noFolder() error {
	for name := range p.known {
		if _, asked := p.at[name]; within(name, p.path) && !asked {
			return p.refuse("git knows it as a folder (name the files in it)")
		}
	}
	return nil
}

func (p place) refuse(reason string) error { return &PathError{Path: p.path, Reason: reason} }
