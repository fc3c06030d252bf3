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

// newFile returns the file of a tree entry; its blob is "" where the entry is no
// regular file.
func newFile(name, mode, blob string) file {
	if !strings.HasPrefix(mode, "100") {
		blob = ""
	}
	return file{name, git.Hash(blob)}
}

// id returns the id of the spec in a file; it is false for other files.
func (f file) id() (string, bool) { return strings.CutSuffix(path.Base(f.path), ".md") }

// byPrecedence compares two files of one id. The one that counts comes first: a
// live spec wins over its archived namesake, because its path is the later one.
func byPrecedence(a, b file) int { return cmp.Compare(b.path, a.path) }

// status is what the frontmatter of a spec's file says.
type status struct {
	completed bool
	at        time.Time // of the completion, UTC; zero where it is not known
}

// content is what tells a spec from others when its id changed.
type content struct {
	title, digest string
	criteria      int
}

// read returns the content of a file.
func (p project) read(f file) ([]byte, error) {
	src, err := p.repo.Blob(f.blob)
	if err != nil {
		return nil, fmt.Errorf("reading %s as of blob %.12s: %w", f.path, f.blob, err)
	}
	return src, nil
}

// spec returns the spec in a file, as far as it can be read.
func (p project) spec(f file) (*spec.Spec, error) {
	src, err := p.read(f)
	if err != nil {
		return nil, err
	}
	s, _ := spec.Parse(p.relative(f), src)
	return s, nil
}

// relative returns the path of a file from the project's folder.
func (p project) relative(f file) string { return strings.TrimPrefix(f.path, p.prefix+"/") }

func (p project) status(f file) (status, error) {
	src, err := p.read(f)
	if err != nil {
		return status{}, err
	}
	return statusOf(src), nil
}

// statusOf returns the status of a file without parsing more of it than needed.
// YAML can't write the word without its letters, unless with a backslash.
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

// frontmatter returns the start of a file that ends with the frontmatter, all of
// the file where the rest decides whether it can be read.
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

// call is a run of git that no setting of the repository misleads: paths are
// taken literally, replaced and grafted commits as they are.
func call(args ...string) git.Call {
	return git.Call{Args: args, Env: []string{"GIT_LITERAL_PATHSPECS=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE=" + os.DevNull}}
}
