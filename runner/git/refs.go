package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Head is what HEAD points to.
type Head struct {
	// Ref is the branch in full ("refs/heads/main"), found through any
	// symbolic refs in between; "HEAD" when detached.
	Ref string
	// Commit is "" while the branch has no commit.
	Commit Hash
}

// maxSymrefs is git's own limit for refs that point to refs.
const maxSymrefs = 5

// Head reads HEAD. It starts no process where refs are files.
func (r *Repo) Head() (Head, error) {
	_, head, err := r.followHead()
	return head, err
}

// followHead reads HEAD, and names the symbolic refs on the way.
func (r *Repo) followHead() (symrefs []string, head Head, err error) {
	if r.format.refs != "files" || r.format.unknown != "" {
		head, err = r.headByGit()
		return []string{"HEAD"}, head, err
	}
	name := "HEAD"
	for range maxSymrefs {
		text, err := r.ref(name)
		if errors.Is(err, fs.ErrNotExist) && name != "HEAD" {
			return symrefs, Head{Ref: name}, nil
		}
		if err != nil {
			return nil, Head{}, fmt.Errorf("reading %s: %w", name, err)
		}
		target, symbolic := strings.CutPrefix(text, "ref:")
		if !symbolic {
			if h := Hash(text); h.valid() {
				return symrefs, Head{Ref: name, Commit: h}, nil
			}
			return nil, Head{}, fmt.Errorf("reading %s: %q is no commit (run git fsck)", name, text)
		}
		symrefs = append(symrefs, name)
		name = strings.TrimSpace(target)
		if !strings.HasPrefix(name, "refs/") || !filepath.IsLocal(name) {
			return nil, Head{}, fmt.Errorf("reading HEAD: it points to %q, which is no ref", name)
		}
	}
	return nil, Head{}, errors.New("reading HEAD: too many symbolic refs in a row")
}

// ref gives a ref's content. The loose file comes first, because git packs a
// ref before it removes the file.
func (r *Repo) ref(name string) (string, error) {
	file := r.refFile(name)
	// Once, symbolic refs were symbolic links; git still reads those.
	if target, err := os.Readlink(file); err == nil && strings.HasPrefix(target, "refs/") {
		return "ref: " + target, nil
	}
	data, err := os.ReadFile(file)
	switch {
	case err == nil:
		return strings.TrimSpace(string(data)), nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTDIR):
		return r.packedRef(name)
	default:
		return "", err
	}
}

// refFile gives the file of a ref that isn't packed.
func (r *Repo) refFile(name string) string {
	return filepath.Join(r.refDir(name), filepath.FromSlash(name))
}

// refLock is the file by which git locks a ref.
func (r *Repo) refLock(name string) string { return r.refFile(name) + lockSuffix }

// refDir gives the git folder that holds a ref: some belong to one work tree.
func (r *Repo) refDir(name string) string {
	for _, own := range []string{"refs/worktree/", "refs/bisect/", "refs/rewritten/"} {
		if strings.HasPrefix(name, own) {
			return r.gitDir
		}
	}
	if name == "HEAD" {
		return r.gitDir
	}
	return r.common
}

// packedRef looks name up in packed-refs; fs.ErrNotExist where it isn't there.
func (r *Repo) packedRef(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(r.common, "packed-refs"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		hash, ref, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		if ref == name {
			return hash, nil
		}
	}
	return "", fs.ErrNotExist
}

// Resolve gives the commit that rev names: HEAD, a branch, a tag, a full or
// shortened hash, or any other form of gitrevisions(7). The error is
// ErrUnknownRevision where there is none. For HEAD and a commit's full hash
// it starts no process.
func (r *Repo) Resolve(ctx context.Context, rev string) (Hash, error) {
	if rev == "HEAD" {
		if head, err := r.Head(); err == nil && head.Commit != "" {
			return head.Commit, nil
		}
	}
	if c, err := r.commitAt(Hash(rev)); err == nil {
		return c.Hash, nil
	}
	out, err := r.git(ctx, call{args: []string{"rev-parse", "--verify", "--quiet", "--end-of-options", rev + "^{commit}"}})
	if failed, ok := errors.AsType[*CommandError](err); ok {
		if failed.Message == "" {
			return "", fmt.Errorf("resolving %q: %w", rev, ErrUnknownRevision)
		}
		return "", fmt.Errorf("resolving %q: %w: %w", rev, ErrUnknownRevision, err)
	}
	if err != nil {
		return "", fmt.Errorf("resolving %q: %w", rev, err)
	}
	return Hash(strings.TrimSpace(string(out))), nil
}

// shallow gives the commits whose parents a shallow clone lacks.
func (r *Repo) shallow() (map[Hash]bool, error) {
	data, err := os.ReadFile(filepath.Join(r.common, "shallow"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the shallow boundary: %w", err)
	}
	ends := make(map[Hash]bool)
	for line := range strings.Lines(string(data)) {
		ends[Hash(strings.TrimSpace(line))] = true
	}
	return ends, nil
}
