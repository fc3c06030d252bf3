package git

import (
	"context"
	"io"
)

// Call is one run of the git program for another package.
type Call struct {
	Args  []string
	Dir   string // where it runs; "" is the top of the work tree
	Stdin io.Reader
	Env   []string // "NAME=value", besides the repository's
}

// Run runs git and returns what it wrote to stdout. No hook of the user runs for
// what only reads; the error is a *CommandError where git itself failed, and
// ErrNoGit where there is none.
func (r *Repo) Run(ctx context.Context, c Call) ([]byte, error) {
	return r.git(ctx, call{args: c.Args, dir: c.Dir, stdin: c.Stdin, env: c.Env})
}
