package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	gitconfig "chant/runner/git/config"
	"chant/runner/git/index"
)

// unmerged is the reason against a path in conflict.
const unmerged = "it is unmerged (resolve the conflict, then git add it)"

// refuse tells why no commit may be made now, by either back end.
func (r *Repo) refuse(ctx context.Context, s *session) error {
	if err := r.inProgress(); err != nil {
		return err
	}
	if err := r.damaged(s.index); err != nil {
		return err
	}
	if s.index.err != nil {
		return nil //nolint:nilerr // git reads it, and the git back end looks at the paths
	}
	for _, e := range s.index.file.Lookup(s.paths...) {
		if e.Stage != 0 {
			return &PathError{Path: e.Path, Reason: unmerged}
		}
	}
	if err := s.oneName(); err != nil {
		return err
	}
	return ctx.Err()
}

// oneName refuses a new path which, where the file system takes capital and
// small letters for the same, is a tracked file under another name.
func (s *session) oneName() error {
	folds, err := s.config.Bool("core.ignoreCase", false)
	if err != nil || !folds {
		return err
	}
	fresh := slices.Clone(s.paths)
	for _, e := range s.index.file.Lookup(s.paths...) {
		fresh = slices.DeleteFunc(fresh, func(p string) bool { return p == e.Path })
	}
	if len(fresh) == 0 {
		return nil
	}
	for e := range s.index.file.All() {
		for _, p := range fresh {
			if strings.EqualFold(e.Path, p) && !slices.Contains(s.paths, e.Path) {
				return &PathError{Path: p, Reason: "git knows it as " + e.Path + " (use that name)"}
			}
		}
	}
	return nil
}

// damaged tells what is wrong with an index that no git reads.
func (r *Repo) damaged(x indexFile) error {
	corrupt, isCorrupt := errors.AsType[*index.CorruptError](x.err)
	switch {
	case r.foreignFormat() != "": // its index isn't in the form that is looked for
		return nil
	case isCorrupt:
		return &DamagedIndexError{Path: x.path, Err: corrupt}
	case errors.Is(x.err, index.ErrVersion), errors.Is(x.err, index.ErrChecksum):
		return &DamagedIndexError{Path: x.path, Err: x.err}
	default:
		return nil
	}
}

// trusted refuses a repository that git would not work in, before anything in
// it is believed.
func (r *Repo) trusted(ctx context.Context) error {
	if err := r.ownEnvironment(); err != nil {
		return err
	}
	return r.owned(ctx)
}

// ownEnvironment refuses variables that tell git to work elsewhere: on
// another repository than the one that was opened, or on another index than
// the user's own. Git sets them for its hooks; there they most often name
// what is opened anyway, and then they do no harm.
func (r *Repo) ownEnvironment() error {
	for _, v := range []struct{ name, own string }{
		{"GIT_DIR", r.gitDir},
		{"GIT_COMMON_DIR", r.common},
		{"GIT_WORK_TREE", r.top},
		{"GIT_INDEX_FILE", filepath.Join(r.gitDir, "index")},
		{"GIT_OBJECT_DIRECTORY", filepath.Join(r.common, "objects")},
		{"GIT_QUARANTINE_PATH", ""},
	} {
		value := lookEnv(r.given, v.name)
		if value == "" {
			continue
		}
		if v.own == "" || resolved(inside(r.top, value)) != resolved(v.own) {
			return &EnvironmentError{Name: v.name, Value: value}
		}
	}
	return nil
}

// resolved follows symlinks as far as the path exists.
func resolved(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, filepath.Base(name))
}

// lookEnv gives a variable, as the last entry has it.
func lookEnv(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// owned refuses a repository of another user, whose configuration could make
// git run programs, unless safe.directory allows it; see git-config(1).
func (r *Repo) owned(ctx context.Context) error {
	foreign, err := r.foreignOwned()
	if err != nil || foreign == "" {
		return err
	}
	safe, err := r.declaredSafe(ctx)
	if err != nil || safe {
		return err
	}
	return &OwnerError{Path: foreign, Top: r.top}
}

// foreignOwned gives the first of the places that git looks at which belongs
// to somebody else.
func (r *Repo) foreignOwned() (string, error) {
	uid := os.Geteuid()
	for _, name := range []string{r.top, filepath.Join(r.top, ".git"), r.gitDir} {
		info, err := os.Lstat(name)
		if err != nil {
			return "", err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || !ownedBy(int(st.Uid), uid, lookEnv(r.given, "SUDO_UID")) {
			return name, nil
		}
	}
	return "", nil
}

// ownedBy tells whether the user uid may trust what owner owns. Root trusts
// the one for whom sudo made him root, too.
func ownedBy(owner, uid int, sudo string) bool {
	if owner == uid {
		return true
	}
	behind, err := strconv.Atoi(sudo)
	return uid == 0 && err == nil && owner == behind
}

// declaredSafe asks git, or the configuration files outside of the
// repository, which are the only ones that may say so.
func (r *Repo) declaredSafe(ctx context.Context) (bool, error) {
	if r.program != "" {
		_, err := r.git(ctx, call{args: []string{"rev-parse", "--git-dir"}})
		if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == fatal {
			return false, nil
		}
		return err == nil, err
	}
	nowhere := filepath.Join(r.gitDir, "no-repository")
	c, err := gitconfig.Load(gitconfig.Places{GitDir: nowhere, CommonDir: nowhere, WorkTree: r.top, Env: r.given}, nil)
	if err != nil {
		return false, err
	}
	safe := false
	for _, value := range c.All("safe.directory") {
		switch dir, all := strings.CutSuffix(value, "/*"); {
		case value == "":
			safe = false
		case value == "*", value == r.top, all && within(r.top, dir):
			safe = true
		}
	}
	return safe, nil
}

// locked refuses to go on while another program holds the index, HEAD or the
// branch. Most locks are gone in a moment, so it waits as Commit does.
func (r *Repo) locked(ctx context.Context, head Head) error {
	return r.persist(ctx, func() error {
		ours, err := r.pending()
		if err != nil {
			return err
		}
		for _, lock := range []string{filepath.Join(r.gitDir, "index"+lockSuffix), r.refLock("HEAD"), r.refLock(head.Ref)} {
			info, err := os.Lstat(lock)
			if errors.Is(err, fs.ErrNotExist) || err == nil && leftover(info, ours) {
				continue
			}
			if err == nil {
				err = fs.ErrExist
			}
			return &LockedError{Path: lock, Err: err}
		}
		return nil
	})
}

// leftover tells whether a lock is a hard link of a pending file of ours.
func leftover(lock os.FileInfo, pending []string) bool {
	for _, name := range pending {
		if info, err := os.Lstat(name); err == nil && os.SameFile(info, lock) {
			return true
		}
	}
	return false
}
