package git

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// cleanPaths sorts the paths and refuses those that can't be files of the
// repository.
func cleanPaths(paths []string) ([]string, error) {
	for _, p := range paths {
		if !filepath.IsLocal(p) || path.Clean(p) != p || p == "." || strings.Contains(p, "\x00") {
			return nil, &PathError{Path: p, Reason: "not a clean path inside the repository (name it from its top, with slashes)"}
		}
		if OwnPath(p) {
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
