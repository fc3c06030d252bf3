package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chant/runner/git/config"
)

// Open opens the repository whose work tree has its top at dir; ".git" may be
// a folder, a symlink or, as in a linked worktree or a submodule, a file. Of
// env, the base environment of git children, PATH is searched for the git
// program. Open starts no process.
//
// Repositories of formats that only git knows (sha256 objects, reftable,
// extensions from the future) are read by the git program; the error is
// ErrNoGit where it is needed and absent.
//
// The error is ErrNotRepository where there is no repository at all. A bare
// repository and a folder inside a work tree are errors too.
func Open(dir string, env []string) (*Repo, error) {
	r, err := open(dir)
	if err == nil && !r.format.plain() && lookPath("git", env) == "" {
		err = fmt.Errorf("reading %s: %w", r.format, ErrNoGit)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the git repository %s: %w", dir, err)
	}
	r.env, r.base, r.given = childEnv(env), userEnv(env), slices.Clone(env)
	r.program = lookPath("git", env)
	return r, nil
}

func open(dir string) (*Repo, error) {
	top, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if top, err = filepath.EvalSymlinks(top); err != nil {
		return nil, err
	}
	r := &Repo{
		top: top, patience: 10 * time.Second,
		now: time.Now, //nolint:forbidigo // the clock that file times are compared with
	}
	if r.gitDir, err = findGitDir(top); err != nil {
		return nil, err
	}
	if r.common, err = commonDir(r.gitDir); err != nil {
		return nil, err
	}
	if err := r.checkFormat(); err != nil {
		return nil, err
	}
	if r.stored, err = findObjects(r.common); err != nil {
		return nil, err
	}
	return r, nil
}

// errBare keeps the user from a folder without a work tree.
var errBare = errors.New("a bare repository has no work tree (use a clone or a git worktree of it)")

// findGitDir gives the git folder of the work tree whose top is top.
func findGitDir(top string) (string, error) {
	dot := filepath.Join(top, ".git")
	info, err := os.Stat(dot)
	if errors.Is(err, fs.ErrNotExist) {
		return "", notTop(top)
	}
	if err != nil {
		return "", err
	}
	target := dot
	if !info.IsDir() {
		data, err := os.ReadFile(dot)
		if err != nil {
			return "", err
		}
		link, ok := strings.CutPrefix(string(data), "gitdir: ")
		if !ok {
			return "", fmt.Errorf("%w: %s is neither a folder nor a gitdir file", ErrNotRepository, dot)
		}
		target = inside(top, strings.TrimRight(link, "\r\n"))
	}
	gitDir, err := filepath.EvalSymlinks(target)
	if err != nil {
		return "", fmt.Errorf("%s leads nowhere (run git worktree repair): %w", dot, err)
	}
	if _, err := os.Lstat(filepath.Join(gitDir, "HEAD")); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotRepository, err)
	}
	return gitDir, nil
}

// notTop tells why top, which has no .git, can't be opened.
func notTop(top string) error {
	if exists(filepath.Join(top, "HEAD")) && exists(filepath.Join(top, "objects")) {
		return errBare
	}
	for p := filepath.Dir(top); ; p = filepath.Dir(p) {
		if exists(filepath.Join(p, ".git")) {
			return fmt.Errorf("this isn't the top of the work tree (use %s)", p)
		}
		if p == filepath.Dir(p) {
			return ErrNotRepository
		}
	}
}

// commonDir gives the folder that the work trees of a repository share.
func commonDir(gitDir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return gitDir, nil
	}
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(inside(gitDir, strings.TrimRight(string(data), "\r\n")))
}

// inside resolves p, which a file in dir names.
func inside(dir, p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(dir, p)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// checkFormat finds out the repository's format, and refuses what has no work
// tree of its own. A linked worktree takes core.bare and core.worktree from no
// file but its own.
func (r *Repo) checkFormat() error {
	shared, err := config.File(filepath.Join(r.common, "config"))
	if err != nil {
		return err
	}
	if r.format, err = formatOf(shared); err != nil {
		return err
	}
	own := shared
	if r.gitDir != r.common {
		own = config.Config{}
	}
	if isTrue(shared, "extensions.worktreeconfig") {
		more, err := config.File(filepath.Join(r.gitDir, "config.worktree"))
		if err != nil {
			return err
		}
		own = own.With(more)
	}
	if isTrue(own, "core.bare") {
		return errBare
	}
	return r.checkWorktree(setting(own, "core.worktree"))
}

// checkWorktree refuses a git folder that belongs to another work tree; a
// submodule's names its own.
func (r *Repo) checkWorktree(named string) error {
	if named == "" {
		return nil
	}
	dir, err := filepath.EvalSymlinks(inside(r.gitDir, named))
	if err != nil {
		return fmt.Errorf("finding core.worktree: %w", err)
	}
	if dir != r.top {
		return fmt.Errorf("core.worktree says that the work tree is %s (use that folder)", dir)
	}
	return nil
}
