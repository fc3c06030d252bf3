package git

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// headByGit reads HEAD where refs aren't files.
func (r *Repo) headByGit() (Head, error) {
	head := Head{Ref: "HEAD"}
	ref, err := r.ask("symbolic-ref", "--quiet", "HEAD")
	if err == nil && ref != "" {
		head.Ref = ref
	}
	if err == nil {
		var commit string
		commit, err = r.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
		head.Commit = Hash(commit)
	}
	if err == nil && head.Ref == "HEAD" && head.Commit == "" {
		err = errors.New("it is no commit (run git fsck)")
	}
	if err != nil {
		return Head{}, fmt.Errorf("reading HEAD: %w", err)
	}
	return head, nil
}

// ask gives git's one-line answer; "" where its exit status says no without a
// reason.
func (r *Repo) ask(args ...string) (string, error) {
	out, err := r.git(context.Background(), call{args: args})
	if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == 1 && failed.Message == "" {
		return "", nil
	}
	return strings.TrimSpace(string(out)), err
}
