package git

import (
	"context"
	"path/filepath"
)

// Identity gives the committer, as git finds it, in the form "Name <mail>".
// The error is ErrNoIdentity where git knows none.
func (r *Repo) Identity(ctx context.Context) (string, error) {
	head, err := r.Head()
	if err != nil {
		return "", err
	}
	c, err := r.configuration(ctx, head)
	if err != nil {
		return "", err
	}
	ids, err := r.identities(c)
	if err != nil {
		return "", err
	}
	return ids.committerIdent(), nil
}

// Top gives the top of the work tree that holds dir. It starts no process.
func Top(dir string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		if exists(filepath.Join(at, ".git")) {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", ErrNotRepository
		}
	}
}
