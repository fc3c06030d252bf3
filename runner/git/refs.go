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
)

// Head is what HEAD points to.
type Head struct {
	// Ref is the branch in full ("refs/heads/main"), found through any
	// symbolic refs in between; "HEAD" when detached.
	Ref string
	// Commit is "" while the branch has no commit.
	Commit Hash
}

// Head reads HEAD. It starts no process where HEAD is a commit or names a
// branch, and refs are files.
func (r *Repo) Head() (head Head, err error) {
	defer wrap(&err, "reading HEAD")
	f, err := r.format()
	if err != nil {
		return Head{}, err
	}
	if head, ok := r.plainHead(); ok && f.odd == "" {
		return head, nil
	}
	ref, err := r.ask("symbolic-ref", "--quiet", "HEAD")
	if err != nil {
		return Head{}, err
	}
	commit, err := r.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err == nil && ref == "" && commit == "" {
		err = errors.New("it is no commit (run git fsck)")
	}
	if err != nil {
		return Head{}, err
	}
	return Head{Ref: cmp.Or(ref, "HEAD"), Commit: Hash(commit)}, nil
}

// plainHead reads HEAD, and the branch that it names, from their files. It
// reports false for whatever else there may be, such as a ref to another ref.
func (r *Repo) plainHead() (head Head, ok bool) {
	text, err := readRef(r.refFile("HEAD"))
	name, branch := strings.CutPrefix(text, "ref: ")
	if !branch {
		return Head{Ref: "HEAD", Commit: Hash(text)}, err == nil && Hash(text).valid()
	}
	if !strings.HasPrefix(name, "refs/heads/") || strings.Contains(name, "..") {
		return Head{}, false
	}
	// The loose file comes first: git packs a ref before it removes the file.
	text, err = readRef(r.refFile(name))
	if !errors.Is(err, fs.ErrNotExist) {
		return Head{Ref: name, Commit: Hash(text)}, err == nil && Hash(text).valid()
	}
	packed, err := os.ReadFile(filepath.Join(r.common, "packed-refs"))
	for line := range strings.Lines(string(packed)) {
		if hash, ref, _ := strings.Cut(strings.TrimSpace(line), " "); ref == name {
			return Head{Ref: name, Commit: Hash(hash)}, Hash(hash).valid()
		}
	}
	return Head{Ref: name}, err == nil || errors.Is(err, fs.ErrNotExist)
}

// readRef reads the file of a ref. A symlink is an error: it was once a way to
// point to another ref.
func readRef(file string) (string, error) {
	info, err := os.Lstat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a file")
	}
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(file)
	return strings.TrimSpace(string(data)), err
}

// refFile returns the file of HEAD or of a branch that isn't packed.
func (r *Repo) refFile(name string) string {
	if name == "HEAD" {
		return filepath.Join(r.gitDir, name)
	}
	return filepath.Join(r.common, filepath.FromSlash(name))
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

// Resolve returns the commit that rev names: HEAD, a branch, a tag, a full or
// shortened hash, or any other form of gitrevisions(7). The error is
// ErrUnknownRevision where there is none. For HEAD and a commit's full hash
// it starts no process.
func (r *Repo) Resolve(ctx context.Context, rev string) (_ Hash, err error) {
	defer wrap(&err, fmt.Sprintf("resolving %q", rev))
	if rev == "HEAD" {
		if head, err := r.Head(); err == nil && head.Commit != "" {
			return head.Commit, nil
		}
	}
	if _, err := r.Tree(Hash(rev)); err == nil {
		return Hash(rev), nil
	}
	out, err := r.git(ctx, call{args: []string{"rev-parse", "--verify", "--quiet", "--end-of-options", rev + "^{commit}"}})
	if failed, ok := errors.AsType[*CommandError](err); ok {
		if failed.Message == "" {
			return "", ErrUnknownRevision
		}
		return "", fmt.Errorf("%w: %w", ErrUnknownRevision, err)
	}
	return Hash(strings.TrimSpace(string(out))), err
}
