package completion

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"chant/runner/git"
	"chant/spec"
)

// project is a project in a repository.
type project struct {
	repo   Repository
	prefix string // its folder in the repository; "" for the top
}

func (p project) live() string    { return path.Join(p.prefix, ".chant/specs") }
func (p project) archive() string { return path.Join(p.prefix, ".chant/archive") }

// file is a spec's file in a commit.
type file struct {
	path string // from the top of the repository
	blob git.Hash
}

// newFile returns the file of a tree entry. Its blob is "" if the entry is not a regular
// file.
func newFile(name, mode, blob string) file {
	if !strings.HasPrefix(mode, "100") {
		blob = ""
	}
	return file{name, git.Hash(blob)}
}

// id returns the id of the spec in a file; it is false for other files.
func (f file) id() (string, bool) { return strings.CutSuffix(path.Base(f.path), ".md") }

// byPrecedence compares two files with one id. A live spec takes precedence over an
// archived one; its path sorts later.
func byPrecedence(a, b file) int { return cmp.Compare(b.path, a.path) }

// status is what the frontmatter of a spec's file says.
type status struct {
	completed bool
	at        time.Time // of the completion, UTC; zero if unknown
}

// content identifies a spec whose id changed.
type content struct {
	title, digest string
	criteria      int
}

// read returns the content of a file; nothing of one that is larger than any spec.
func (p project) read(f file) ([]byte, error) {
	size, err := p.repo.Size(f.blob)
	if err == nil && size > spec.FileLimit {
		return nil, nil
	}
	var src []byte
	if err == nil {
		src, err = p.repo.Blob(f.blob)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s as of blob %.12s: %w", f.path, f.blob, err)
	}
	return src, nil
}

// spec returns the spec in a file, as far as it can be parsed.
func (p project) spec(f file) (*spec.Spec, error) {
	src, err := p.read(f)
	if err != nil {
		return nil, err
	}
	s, _ := spec.Parse(p.relative(f), src)
	return s, nil
}

// relative returns the path of a file relative to the project's folder.
func (p project) relative(f file) string { return strings.TrimPrefix(f.path, p.prefix+"/") }

// statusOf returns the status in a file. For speed it parses the frontmatter alone, and
// only if it may contain the word: YAML can spell it without its letters only with a
// backslash.
func statusOf(src []byte) status {
	if !bytes.Contains(src, []byte(spec.StatusCompleted)) && !bytes.Contains(src, []byte(`\`)) {
		return status{}
	}
	s, _ := spec.Parse("x.md", frontmatter(src))
	if s.Status != spec.StatusCompleted {
		return status{}
	}
	return status{true, s.CompletedAt}
}

// frontmatter returns a file up to the end of its frontmatter. If the rest has bytes that
// make the file unreadable, it returns the whole file.
func frontmatter(src []byte) []byte {
	end := len(src)
	for _, fence := range []string{"\n---\n", "\n---\r\n"} {
		if i := bytes.Index(src[:end], []byte(fence)); i >= 0 {
			end = i + len(fence)
		}
	}
	if rest := src[end:]; !utf8.Valid(rest) || bytes.IndexByte(rest, 0) >= 0 {
		return src
	}
	return src[:end]
}

// call makes a call of git that takes paths literally and ignores replace refs and grafts.
func call(args ...string) git.Call {
	return git.Call{Args: args, Env: []string{"GIT_LITERAL_PATHSPECS=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE=" + os.DevNull}}
}
