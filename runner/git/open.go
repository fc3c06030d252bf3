package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Open opens the repository whose work tree has its top at dir; ".git" may be
// a folder, a symlink or, as in a linked worktree or a submodule, a file. Of
// env, the base environment of all git commands, PATH is searched for the git
// program. Open starts no process; a method that needs the program returns
// ErrNoGit where there is none.
//
// The error is ErrNotRepository where there is no repository at all. A bare
// repository and a folder inside a work tree are errors too.
func Open(dir string, env []string) (_ *Repo, err error) {
	defer wrap(&err, "opening the git repository "+dir)
	r := &Repo{
		program: lookPath("git", env), given: slices.Clone(env), user: userEnv(env),
		patience: 10 * time.Second,
		now:      time.Now, //nolint:forbidigo // the clock that file times are compared with
	}
	r.quiet = append(slices.Clone(r.user),
		"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1")
	r.format = sync.OnceValues(r.readFormat)
	if r.top, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if r.top, err = filepath.EvalSymlinks(r.top); err != nil {
		return nil, err
	}
	if r.gitDir, err = findGitDir(r.top); err != nil {
		return nil, err
	}
	if r.common, err = commonDir(r.gitDir); err != nil {
		return nil, err
	}
	return r, nil
}

// findGitDir returns the git folder of the work tree whose top is top.
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
		return "", fmt.Errorf("following %s (run git worktree repair): %w", dot, err)
	}
	if _, err := os.Lstat(filepath.Join(gitDir, "HEAD")); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotRepository, err)
	}
	return gitDir, nil
}

// notTop returns why top, which has no .git, can't be opened.
func notTop(top string) error {
	if exists(filepath.Join(top, "HEAD")) && exists(filepath.Join(top, "objects")) {
		return errors.New("a bare repository has no work tree (use a clone or a git worktree of it)")
	}
	if above, err := Top(top); err == nil {
		return fmt.Errorf("this isn't the top of the work tree (use %s)", above)
	}
	return ErrNotRepository
}

// Top returns the top of the work tree that holds dir, an absolute path; the
// error is ErrNotRepository where there is none. It starts no process.
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

// commonDir returns the folder that the work trees of a repository share.
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

// inside resolves p relative to dir.
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
