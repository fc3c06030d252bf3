package git

import (
	"cmp"
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
	f, err := r.format()
	if err != nil {
		return Head{}, err
	}
	if f.refs != "files" || f.unknown != "" {
		return r.headByGit()
	}
	name := "HEAD"
	for range maxSymrefs {
		text, err := r.ref(name)
		if errors.Is(err, fs.ErrNotExist) && name != "HEAD" {
			return Head{Ref: name}, nil
		}
		if err != nil {
			return Head{}, fmt.Errorf("reading %s: %w", name, err)
		}
		target, symbolic := strings.CutPrefix(text, "ref:")
		if !symbolic {
			if h := Hash(text); h.valid() {
				return Head{Ref: name, Commit: h}, nil
			}
			return Head{}, fmt.Errorf("reading %s: %q is no commit (run git fsck)", name, text)
		}
		name = strings.TrimSpace(target)
		if !strings.HasPrefix(name, "refs/") || !filepath.IsLocal(name) {
			return Head{}, fmt.Errorf("reading HEAD: it points to %q, which is no ref", name)
		}
	}
	return Head{}, errors.New("reading HEAD: too many symbolic refs in a row")
}

// headByGit reads HEAD where only git knows how refs are stored.
func (r *Repo) headByGit() (Head, error) {
	ref, err := r.ask("symbolic-ref", "--quiet", "HEAD")
	if err != nil {
		return Head{}, fmt.Errorf("reading HEAD: %w", err)
	}
	commit, err := r.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err == nil && ref == "" && commit == "" {
		err = errors.New("it is no commit (run git fsck)")
	}
	if err != nil {
		return Head{}, fmt.Errorf("reading HEAD: %w", err)
	}
	return Head{Ref: cmp.Or(ref, "HEAD"), Commit: Hash(commit)}, nil
}

// ask returns git's answer of one line; "" where its exit status says no
// without a reason.
func (r *Repo) ask(args ...string) (string, error) {
	out, err := r.git(context.Background(), call{args: args})
	if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == 1 && failed.Message == "" {
		return "", nil
	}
	return strings.TrimSpace(string(out)), err
}

// ref returns a ref's content. The loose file comes first, because git packs a
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

// refFile returns the file of a ref that isn't packed. Some refs belong to one
// work tree.
func (r *Repo) refFile(name string) string {
	dir := r.common
	for _, own := range []string{"HEAD", "refs/worktree/", "refs/bisect/", "refs/rewritten/"} {
		if strings.HasPrefix(name, own) {
			dir = r.gitDir
		}
	}
	return filepath.Join(dir, filepath.FromSlash(name))
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

// Resolve returns the commit that rev names: HEAD, a branch, a tag, a full or
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
