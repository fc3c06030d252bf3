package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// choose decides which back end commits, and says why. What git does and this
// package doesn't goes by git: to leave a hook or a filter out in silence
// would be wrong. The error is ErrNoGit where git is needed and isn't there.
func (r *Repo) choose(ctx context.Context, s *session) (backend, string, error) {
	why, err := r.beyondNative(ctx, s)
	if err != nil {
		return byGit, "", err
	}
	if why == "" {
		return native, "", nil
	}
	if r.program == "" {
		err = fmt.Errorf("%w, and it is needed: %s", ErrNoGit, why)
	}
	return byGit, why, err
}

// beyondNative gives a reason to commit by git; "" where there is none.
func (r *Repo) beyondNative(ctx context.Context, s *session) (string, error) {
	if why := r.foreignFormat(); why != "" {
		return why, nil
	}
	if s.index.err != nil { // refuse has let through what git reads
		return s.index.err.Error(), nil //nolint:nilerr // the error is the reason
	}
	for _, ask := range []func(*session) (string, error){r.hooked, r.configured, r.oddPath, r.large} {
		if why, err := ask(s); why != "" || err != nil {
			return why, err
		}
	}
	return r.converted(ctx, s)
}

// commitHooks are the hooks that git commit --only runs; see githooks(5).
var commitHooks = []string{ //nolint:gochecknoglobals // a constant list
	"pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction", "post-index-change",
}

// hooked tells of a hook that git would run.
func (r *Repo) hooked(s *session) (string, error) {
	dir, err := s.config.Path("core.hookspath")
	if err != nil {
		return "", err
	}
	if dir == "" {
		dir = filepath.Join(r.common, "hooks")
	}
	for _, name := range commitHooks {
		if unix.Access(filepath.Join(inside(r.top, dir), name), unix.X_OK) == nil {
			return "there is a " + name + " hook", nil
		}
	}
	if s.config.Has("hook.") { // hooks named in the configuration, of git 2.54 and later
		return "hooks are configured", nil
	}
	return "", nil
}

// configured tells of a setting that only git follows.
func (r *Repo) configured(s *session) (string, error) {
	if lookEnv(r.given, "GIT_ALTERNATE_OBJECT_DIRECTORIES") != "" {
		return "GIT_ALTERNATE_OBJECT_DIRECTORIES is set", nil
	}
	encoding, _ := s.config.Get("i18n.commitencoding")
	if encoding != "" && !strings.EqualFold(encoding, "utf-8") && !strings.EqualFold(encoding, "utf8") {
		return "i18n.commitEncoding is " + encoding, nil
	}
	_, why, err := s.signing()
	return why, err
}

// oddPath tells of a path that is no plain file of a full checkout.
func (r *Repo) oddPath(s *session) (string, error) {
	sparse, err := s.config.Bool("core.sparseCheckout", false)
	if err != nil {
		return "", err
	}
	tracked := make(map[string]bool, len(s.paths))
	for _, e := range s.index.file.Lookup(s.paths...) {
		tracked[e.Path] = true
		switch {
		case e.Mode == modeGitlink:
			return e.Path + " is a submodule", nil
		case e.SkipWorktree:
			return e.Path + " is outside of the sparse checkout", nil
		}
	}
	if !sparse {
		return "", nil
	}
	for _, p := range s.paths {
		if !tracked[p] {
			return "the checkout is sparse and " + p + " is new", nil
		}
	}
	return "", nil
}

// modeGitlink is the index's mode of a submodule.
const modeGitlink = 0o160000

// largest is the size in bytes up to which a file is committed natively.
const largest = 100 << 20

// large tells of a file that git packs better.
func (r *Repo) large(s *session) (string, error) {
	for _, p := range s.paths {
		info, err := os.Lstat(filepath.Join(r.top, p))
		if err == nil && info.Mode().IsRegular() && info.Size() > largest {
			return p + " is larger than 100 MB", nil
		}
	}
	return "", nil
}

// foreignFormat tells of a repository format that only git reads.
func (r *Repo) foreignFormat() string {
	if r.format.plain() {
		return ""
	}
	return "this is " + r.format.String()
}
