package git

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sys/unix"
)

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

// literally makes a pathspec that means the path and what is below it. Magic
// in the pathspec, unlike --literal-pathspecs, isn't seen by hooks.
func literally(p string) string { return ":(literal)" + p }

// exactly makes a pathspec that means the path alone and nothing below it:
// what has a backslash is a pattern, which is matched as a whole.
func exactly(p string) string {
	var pattern strings.Builder
	for i := range len(p) {
		if strings.IndexByte(`*?[\`, p[i]) >= 0 || i == len(p)-1 {
			pattern.WriteByte('\\')
		}
		pattern.WriteByte(p[i])
	}
	return ":(glob)" + pattern.String()
}

// pathspecs is a list of literal pathspecs, as git reads it from a file with
// --pathspec-file-nul.
func pathspecs(paths []string) io.Reader {
	var list strings.Builder
	for _, p := range paths {
		list.WriteString(literally(p) + "\x00")
	}
	return strings.NewReader(list.String())
}

// pathList is a list of paths, as git reads it with -z.
func pathList(paths []string) io.Reader {
	return strings.NewReader(strings.Join(paths, "\x00") + "\x00")
}

// pathState is what the work tree has at a path.
type pathState struct {
	kind  pathKind
	above string // behindLink and nested: the symlink or repository that it is in
}

type pathKind int

const (
	absent     pathKind = iota // nothing, or a file where its folder was
	present                    // a file or a symlink
	folder                     // a folder
	repository                 // the top of another repository
	nested                     // within another repository
	behindLink                 // reached through a symlink only
	special                    // a device, a pipe or a socket
)

// pathState looks at one path of the work tree without following symlinks.
func (r *Repo) pathState(name string) (pathState, error) {
	for dir := range folders(name) {
		info, err := os.Lstat(filepath.Join(r.top, dir))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return pathState{kind: absent}, nil
		case err != nil:
			return pathState{}, err
		case info.Mode().Type() == fs.ModeSymlink && exists(filepath.Join(r.top, name)):
			return pathState{kind: behindLink, above: dir}, nil
		case !info.IsDir():
			return pathState{kind: absent}, nil
		case exists(filepath.Join(r.top, dir, ".git")):
			return pathState{kind: nested, above: dir}, nil
		}
	}
	info, err := os.Lstat(filepath.Join(r.top, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return pathState{kind: absent}, nil
	case err != nil:
		return pathState{}, err
	case info.IsDir() && exists(filepath.Join(r.top, name, ".git")):
		return pathState{kind: repository}, nil
	case info.IsDir():
		return pathState{kind: folder}, nil
	case info.Mode().IsRegular() || info.Mode().Type() == fs.ModeSymlink:
		return pathState{kind: present}, nil
	default:
		return pathState{kind: special}, nil
	}
}

// indexEntry is one record of git ls-files -s -v.
type indexEntry struct {
	tag  string // "S" and "s" mark skip-worktree, small letters assume-unchanged
	info string // mode, hash and stage, as git update-index --index-info reads them
	path string
}

func (e indexEntry) submodule() bool { return strings.HasPrefix(e.info, "160000 ") }

// tracked lists what the index has at the paths, above and below them. No
// paths list nothing, but show whether git can read the index.
func (r *Repo) tracked(ctx context.Context, paths []string) ([]indexEntry, error) {
	if err := r.checkIndex(); err != nil {
		return nil, err
	}
	specs := []string{exactly(".git")} // which no index has: no pathspec at all would mean everything
	above := make(map[string]bool)
	for _, p := range paths {
		specs = append(specs, literally(p))
		for dir := range folders(p) {
			if !above[dir] {
				above[dir] = true
				specs = append(specs, exactly(dir))
			}
		}
	}
	var entries []indexEntry
	for batch := range batches(specs) {
		out, err := r.git(ctx, call{args: append([]string{"ls-files", "-s", "-v", "-z", "--"}, batch...)})
		if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == fatal {
			err = &DamagedIndexError{Path: filepath.Join(r.gitDir, "index"), Err: err}
		}
		if err != nil {
			return nil, fmt.Errorf("reading the index: %w", err)
		}
		for record := range strings.SplitSeq(string(out), "\x00") {
			head, name, _ := strings.Cut(record, "\t")
			if tag, info, ok := strings.Cut(head, " "); ok {
				entries = append(entries, indexEntry{tag: tag, info: info, path: name})
			}
		}
	}
	return entries, nil
}

// checkIndex compares the index file with the checksum at its end, which git
// itself does in git fsck only.
func (r *Repo) checkIndex() error {
	f, err := r.format()
	if err != nil {
		return err
	}
	name := filepath.Join(r.gitDir, "index")
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the index: %w", err)
	}
	h := sha1.New()
	if f.objects == "sha256" {
		h = sha256.New()
	}
	end := len(data) - h.Size()
	if end < 0 {
		return &DamagedIndexError{Path: name, Err: io.ErrUnexpectedEOF}
	}
	h.Write(data[:end])
	if sum := data[end:]; !bytes.Equal(sum, h.Sum(nil)) && !bytes.Equal(sum, make([]byte, h.Size())) { // see index.skipHash
		return &DamagedIndexError{Path: name, Err: errors.New("its checksum is wrong")}
	}
	return nil
}

// batches cuts arguments into pieces that fit on a command line.
func batches(args []string) func(yield func([]string) bool) {
	const fits = 64 << 10 // bytes; systems allow ten times as much and more
	return func(yield func([]string) bool) {
		from, size := 0, 0
		for i, arg := range args {
			if size += len(arg); size > fits {
				if !yield(args[from:i]) {
					return
				}
				from, size = i, len(arg)
			}
		}
		if from < len(args) {
			yield(args[from:])
		}
	}
}

// selection is what one request to commit or store paths is about.
type selection struct {
	at      map[string]pathState // of every requested path
	tracked []indexEntry         // at the paths, above and below them
	indexed map[string]bool      // files there that the index has
	inHead  map[string]bool      // files there that HEAD has; not those above
	there   []string             // the requested paths that have content to store
	gone    []string             // the requested paths that have none, and that git knows
	none    []string             // the others: git has nothing to do for them
}

// survey looks at the paths in the index, in HEAD and in the work tree, and
// refuses what git could not commit. paths are clean.
func (r *Repo) survey(ctx context.Context, head Head, paths []string) (s selection, err error) {
	if s.tracked, err = r.tracked(ctx, paths); err != nil {
		return s, err
	}
	s.at, s.indexed, s.inHead = make(map[string]pathState, len(paths)), make(map[string]bool), make(map[string]bool)
	for _, e := range s.tracked {
		s.indexed[e.path] = true
	}
	for _, p := range paths {
		if s.at[p], err = r.pathState(p); err != nil {
			return s, err
		}
		if err := r.filesAt(head, p, s.inHead); err != nil {
			return s, err
		}
	}
	for _, p := range paths {
		there, gone, err := s.sort(p)
		switch {
		case err != nil:
			return s, err
		case there:
			s.there = append(s.there, p)
		case gone:
			s.gone = append(s.gone, p)
		default:
			s.none = append(s.none, p)
		}
	}
	return s, nil
}

// filesAt adds the files that HEAD has at a path and below it.
func (r *Repo) filesAt(head Head, p string, to map[string]bool) error {
	if head.Commit == "" {
		return nil
	}
	e, err := r.entryAt(head.Commit, p)
	if err != nil || e.mode == 0 {
		return err
	}
	if e.mode != filemode.Dir {
		to[p] = true
		return nil
	}
	return r.walk(e.id, p+"/", func(name string, _ entry) { to[name] = true })
}

// unmerged is the reason against a path in conflict.
const unmerged = "it is unmerged (resolve the conflict, then git add it)"

// sort tells whether there is content at a path, or what git knows there is
// gone. Git takes a path for all that lies below it too, and a folder for its
// files, which is more than was asked for.
func (s selection) sort(p string) (there, gone bool, err error) {
	refuse := func(reason string) (bool, bool, error) { return false, false, &PathError{Path: p, Reason: reason} }
	submodule := false
	for _, e := range s.tracked {
		switch {
		case e.submodule() && below(p, e.path):
			return refuse(e.path + " is a submodule (commit there)")
		case e.path != p:
		case !strings.HasSuffix(e.info, " 0"):
			return refuse(unmerged)
		case strings.EqualFold(e.tag, "s"):
			return refuse("git is told to leave it alone (run git update-index --no-skip-worktree or git sparse-checkout add)")
		default:
			submodule = e.submodule()
		}
	}
	known := s.known(p)
	switch at := s.at[p]; at.kind {
	case present:
		return true, false, nil
	case special:
		return refuse("neither a file nor a symlink")
	case nested:
		return refuse(at.above + " is a repository of its own (commit there)")
	case repository:
		if submodule {
			return true, false, nil
		}
		return refuse("it is a repository of its own (commit there)")
	case behindLink:
		if known && s.at[at.above].kind == present { // that symlink has replaced its folder
			return false, false, nil
		}
		return refuse(at.above + " is a symlink (name the file where it is)")
	case folder:
		if known && !submodule && s.replaced(p) {
			return false, false, nil
		}
		return refuse("it is a folder (name the files in it)")
	default:
		if s.keepsFiles(p) {
			return refuse("git knows it as a folder (name the files in it)")
		}
		return false, known, nil
	}
}

// replaced tells whether a requested file lies below the path: to commit it
// removes what was at the path.
func (s selection) replaced(p string) bool {
	for name, at := range s.at {
		if at.kind == present && below(name, p) {
			return true
		}
	}
	return false
}

// keepsFiles tells whether git knows a file below the path that isn't
// requested too.
func (s selection) keepsFiles(p string) bool {
	for _, names := range []map[string]bool{s.indexed, s.inHead} {
		for name := range names {
			if _, asked := s.at[name]; below(name, p) && !asked {
				return true
			}
		}
	}
	return false
}

// known tells whether git has a file at a path.
func (s selection) known(p string) bool { return s.indexed[p] || s.inHead[p] }

// fileStat tells one state of a file from another.
type fileStat struct {
	modified, changed unix.Timespec
	size              int64
	inode             uint64
}

// statOf returns the state of a file; zero where there is none.
func statOf(name string) fileStat {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return fileStat{}
	}
	return fileStat{st.Mtim, st.Ctim, st.Size, st.Ino}
}
