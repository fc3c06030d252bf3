package git

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sys/unix"

	gitconfig "chant/runner/git/config"
	"chant/runner/git/index"
)

// file is what the work tree holds at one path.
type file struct {
	path   string
	mode   filemode.FileMode // 0 where there is no file: in the commit, a deletion
	blob   plumbing.Hash
	target string // of a symlink
	stat   unix.Stat_t
	same   bool // the last commit has this content at the path
}

// folders yields the folders that a path lies in.
func folders(p string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i, c := range []byte(p) {
			if c == '/' && !yield(p[:i]) {
				return
			}
		}
	}
}

// cleanPaths sorts the paths and refuses those that can't be files of the
// repository.
func cleanPaths(paths []string) ([]string, error) {
	for _, p := range paths {
		if !filepath.IsLocal(p) || path.Clean(p) != p || p == "." || strings.Contains(p, "\x00") {
			return nil, &PathError{Path: p, Reason: "not a clean path inside the repository (name it from its top, with slashes)"}
		}
		parts := strings.FieldsFunc(p, func(c rune) bool { return c == '/' || c == '\\' })
		if slices.ContainsFunc(parts, isDotGit) {
			return nil, &PathError{Path: p, Reason: "git's own folder is never committed"}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(paths))), nil
}

// isDotGit tells whether a name means git's own folder on any system, as git
// sees it: Windows adds a short name and drops blanks, dots and what follows a
// colon; macOS ignores some characters.
func isDotGit(name string) bool {
	name = strings.Map(func(c rune) rune {
		switch {
		case c >= 0x200c && c <= 0x200f, c >= 0x202a && c <= 0x202e, c >= 0x206a && c <= 0x206f, c == 0xfeff:
			return -1
		default:
			return c
		}
	}, name)
	name, _, _ = strings.Cut(name, ":")
	name = strings.TrimRight(name, " .")
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1")
}

// snapshot reads the session's paths from the work tree.
func (r *Repo) snapshot(ctx context.Context, s *session, d *draft) ([]file, error) {
	can, err := capabilitiesOf(s.config)
	if err != nil {
		return nil, err
	}
	indexed := make(map[string]bool, len(s.paths))
	for _, e := range s.index.file.Lookup(s.paths...) {
		indexed[e.Path] = true
	}
	files := make([]file, len(s.paths))
	for i, p := range s.paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		inHead, err := d.lookup(s.base(), p)
		if err != nil {
			return nil, err
		}
		if files[i], err = r.readPath(p, indexed[p] || isFile(inHead.Mode)); err != nil {
			return nil, err
		}
		files[i].mode = can.mode(files[i].mode, inHead.Mode)
		files[i].same = files[i].blob == inHead.Hash
	}
	return files, nil
}

// capabilities tells what the file system keeps, by git's configuration.
type capabilities struct{ execBit, symlinks bool }

func capabilitiesOf(c gitconfig.Config) (can capabilities, err error) {
	if can.execBit, err = c.Bool("core.fileMode", true); err != nil {
		return can, err
	}
	can.symlinks, err = c.Bool("core.symlinks", true)
	return can, err
}

// mode gives the mode to commit: the file's own, or HEAD's where the file
// system can't keep it.
func (can capabilities) mode(onDisk, inHead filemode.FileMode) filemode.FileMode {
	regular := onDisk == filemode.Regular || onDisk == filemode.Executable
	switch {
	case regular && !can.symlinks && inHead == filemode.Symlink:
		return inHead
	case regular && !can.execBit && inHead == filemode.Executable:
		return inHead
	case regular && !can.execBit:
		return filemode.Regular
	default:
		return onDisk
	}
}

// readPath reads one path. What a symlink or a folder now stands in the way
// of counts as deleted, as in git, if it was tracked; else it is refused.
func (r *Repo) readPath(p string, tracked bool) (file, error) {
	gone := file{path: p}
	for dir := range folders(p) {
		info, err := os.Lstat(filepath.Join(r.top, dir))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return gone, nil
		case err != nil:
			return file{}, err
		case info.IsDir():
			if err := r.ownFolder(p, dir); err != nil {
				return file{}, err
			}
		case info.Mode().Type() == fs.ModeSymlink && !tracked:
			return file{}, &PathError{Path: p, Reason: dir + " is a symlink (name the file where it is)"}
		default:
			return gone, nil
		}
	}
	info, err := os.Lstat(filepath.Join(r.top, p))
	if err != nil || !info.IsDir() {
		return r.readFile(p)
	}
	if err := r.ownFolder(p, p); err != nil {
		return file{}, err
	}
	if !tracked {
		return file{}, &PathError{Path: p, Reason: "it is a folder (name the files in it)"}
	}
	return gone, nil
}

// ownFolder refuses a folder that belongs to another repository.
func (r *Repo) ownFolder(p, dir string) error {
	if exists(filepath.Join(r.top, dir, ".git")) {
		return &PathError{Path: p, Reason: dir + " is a repository of its own (commit there)"}
	}
	return nil
}

// readTries bounds how often a file that changes while it is read is read
// again.
const readTries = 5

// readFile hashes a file or a symlink, and makes sure that it is all from one
// moment.
func (r *Repo) readFile(p string) (file, error) {
	name := filepath.Join(r.top, p)
	for range readTries {
		f := file{path: p}
		err := unix.Lstat(name, &f.stat)
		if errors.Is(err, fs.ErrNotExist) {
			return file{path: p}, nil
		}
		if err != nil {
			return file{}, &fs.PathError{Op: "lstat", Path: name, Err: err}
		}
		switch f.stat.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			f.mode = filemode.Regular
			if f.stat.Mode&unix.S_IXUSR != 0 {
				f.mode = filemode.Executable
			}
		case unix.S_IFLNK:
			if strings.EqualFold(path.Base(p), ".gitmodules") {
				return file{}, &PathError{Path: p, Reason: "git takes no symlink under this name (make it a file)"}
			}
			f.mode = filemode.Symlink
			f.target, err = os.Readlink(name)
		default:
			return file{}, &PathError{Path: p, Reason: "neither a file nor a symlink"}
		}
		if err == nil {
			f.blob, err = hashOfContent(f.object(r.top))
		}
		var after unix.Stat_t
		errAfter := unix.Lstat(name, &after)
		if errAfter == nil && stampOf(&f.stat) == stampOf(&after) {
			return f, err
		}
	}
	return file{}, &PathError{Path: p, Reason: "it keeps changing while it is read (stop what writes it)"}
}

// object gives the blob of a file below top. Its content is read from there,
// however large it is; should a symlink or a pipe have taken its place, that
// is neither followed nor waited for.
func (f file) object(top string) newObject {
	return newObject{
		kind: plumbing.BlobObject, hash: f.blob, size: f.stat.Size,
		content: func() (io.ReadCloser, error) {
			if f.stat.Mode&unix.S_IFMT == unix.S_IFLNK {
				return io.NopCloser(strings.NewReader(f.target)), nil
			}
			return os.OpenFile(filepath.Join(top, f.path), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		},
	}
}

// hashOfContent gives the name that an object should have.
func hashOfContent(o newObject) (h plumbing.Hash, err error) {
	content, err := o.content()
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	hasher := plumbing.NewHasher(o.kind, o.size)
	if _, err := io.Copy(hasher, content); err != nil {
		return h, err
	}
	return hasher.Sum(), nil
}

// indexChange gives what the index is to hold at the file's path.
func (f file) indexChange() index.Change {
	if f.mode == 0 {
		return index.Change{Path: f.path, Remove: true}
	}
	return index.Change{Path: f.path, Mode: uint32(f.mode), OID: f.blob, Stat: indexStat(&f.stat)}
}

// indexStat gives the part of a file's state that git remembers, in 32 bits
// each.
//
//nolint:gosec,unconvert // git cuts the values as well; the types differ between systems
func indexStat(st *unix.Stat_t) index.Stat {
	size := uint32(st.Size)
	if size == 0 && st.Size != 0 {
		size = 1 << 31 // as git does: 0 would mean that the size is in doubt
	}
	return index.Stat{
		CTimeSec: uint32(st.Ctim.Sec), CTimeNsec: uint32(st.Ctim.Nsec),
		MTimeSec: uint32(st.Mtim.Sec), MTimeNsec: uint32(st.Mtim.Nsec),
		Dev: uint32(st.Dev), Ino: uint32(st.Ino), UID: st.Uid, GID: st.Gid, Size: size,
	}
}
