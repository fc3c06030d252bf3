package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// gitPlan is what git is to be told about the paths of one commit.
type gitPlan struct {
	named   []string    // the paths to name to git commit --only
	fresh   []string    // those that git doesn't know yet
	evicted []trackedAs // entries that stand where one of fresh will
	sparse  bool        // paths outside the sparse checkout are meant
}

// trackedAs is one record of git ls-files -s -v.
type trackedAs struct {
	tag  string // "S" and "s" mark what git leaves alone in the work tree
	info string // mode, hash and stage, as git update-index --index-info reads them
	path string
}

func (t trackedAs) unmerged() bool { return !strings.HasSuffix(t.info, " 0") }
func (t trackedAs) gitlink() bool  { return strings.HasPrefix(t.info, "160000 ") }
func (t trackedAs) alone() bool    { return strings.EqualFold(t.tag, "s") }

// commitByGit commits the session's paths by git commit --only, which runs
// the user's hooks and filters and signs as configured. New paths are named
// to the index first, as git commit takes only what it knows; if the commit
// fails they are taken out again.
//
// The error is a LockedError where another writer was in the way.
func (r *Repo) commitByGit(ctx context.Context, s *session) (Hash, error) {
	p, err := r.plan(ctx, s.paths)
	if err != nil {
		return "", err
	}
	if p.sparse, err = s.config.Bool("core.sparseCheckout", false); err != nil {
		return "", err
	}
	if len(p.named) == 0 {
		return "", ErrNothing
	}
	if err := r.intend(ctx, p); err != nil {
		return "", err
	}
	h, err := r.commitNamed(ctx, p, s.message)
	if err != nil {
		return "", errors.Join(err, r.unintend(context.WithoutCancel(ctx), p))
	}
	return h, nil
}

// plan looks at the paths, in the index, in HEAD and in the work tree.
func (r *Repo) plan(ctx context.Context, paths []string) (gitPlan, error) {
	var p gitPlan
	head, err := r.Head()
	if err != nil {
		return p, err
	}
	tracked, known, err := r.tracked(ctx, paths, head.Commit != "")
	if err != nil {
		return p, err
	}
	at := make(map[string]standing, len(paths))
	for _, name := range paths {
		if at[name], err = r.standing(name); err != nil {
			return p, err
		}
	}
	for _, name := range paths {
		named, err := place{name, at, tracked, known}.named()
		if err != nil {
			return p, err
		}
		if !named {
			continue
		}
		p.named = append(p.named, name)
		if _, ok := known[name]; !ok {
			p.fresh = append(p.fresh, name)
		}
	}
	for _, name := range p.fresh {
		for _, t := range tracked {
			if within(t.path, name) || within(name, t.path) {
				p.evicted = append(p.evicted, t)
			}
		}
	}
	return p, nil
}

// tracked lists what the index holds at the paths, above and below them, and
// the names there that git commit would find in the index or in HEAD. Git
// reads the index, as it may be in a form that only git reads.
func (r *Repo) tracked(ctx context.Context, paths []string, born bool) ([]trackedAs, map[string]bool, error) {
	concerns := concerned(paths)
	out, err := r.git(ctx, call{args: []string{"ls-files", "-s", "-v", "-z"}})
	if err != nil {
		return nil, nil, fmt.Errorf("reading the index: %w", err)
	}
	var tracked []trackedAs
	known := make(map[string]bool)
	for record := range strings.SplitSeq(string(out), "\x00") {
		head, name, _ := strings.Cut(record, "\t")
		tag, info, ok := strings.Cut(head, " ")
		if ok && concerns(name) {
			tracked = append(tracked, trackedAs{tag: tag, info: info, path: name})
			known[name] = true
		}
	}
	if !born {
		return tracked, known, nil
	}
	if out, err = r.git(ctx, call{args: []string{"ls-files", "-z", "--with-tree=HEAD"}}); err != nil {
		return nil, nil, fmt.Errorf("reading the last commit: %w", err)
	}
	for name := range strings.SplitSeq(string(out), "\x00") {
		if concerns(name) {
			known[name] = true
		}
	}
	return tracked, known, nil
}

// concerned gives a test for names that are one of the paths or lie above or
// below one.
func concerned(paths []string) func(name string) bool {
	wanted, above := make(map[string]bool), make(map[string]bool)
	for _, p := range paths {
		wanted[p] = true
		for dir := range folders(p) {
			above[dir] = true
		}
	}
	return func(name string) bool {
		if wanted[name] || above[name] {
			return true
		}
		for dir := range folders(name) {
			if wanted[dir] {
				return true
			}
		}
		return false
	}
}

// within tells whether a path lies below a folder.
func within(p, folder string) bool {
	return len(p) > len(folder) && p[len(folder)] == '/' && strings.HasPrefix(p, folder)
}

// intend makes the new paths known to the index, without their content.
func (r *Repo) intend(ctx context.Context, p gitPlan) error {
	if len(p.fresh) == 0 {
		return nil
	}
	args := []string{"add", "--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul"}
	if p.sparse {
		args = append(args, "--sparse")
	}
	_, err := r.attempt(context.WithoutCancel(ctx), call{args: args, stdin: nulList(p.fresh), plain: true})
	return err
}

// unintend undoes intend. Another writer may hold the index, so it is tried
// for a while.
func (r *Repo) unintend(ctx context.Context, p gitPlan) error {
	if len(p.fresh) == 0 {
		return nil
	}
	err := r.persist(ctx, func() error {
		gone, err := r.stillIntended(ctx, p.fresh)
		if err != nil || len(gone) == 0 {
			return err
		}
		_, err = r.attempt(ctx, call{args: []string{"update-index", "-z", "--force-remove", "--stdin"}, stdin: nulList(gone)})
		return err
	})
	if err == nil && len(p.evicted) > 0 {
		err = r.persist(ctx, func() error {
			_, err := r.attempt(ctx, call{args: []string{"update-index", "-z", "--index-info"}, stdin: indexInfo(p.evicted)})
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("taking the new paths out of the index again: %w", err)
	}
	return nil
}

// stillIntended lists those of the paths that the index knows by name only:
// what another program has staged or committed meanwhile stays.
func (r *Repo) stillIntended(ctx context.Context, paths []string) ([]string, error) {
	out, err := r.git(ctx, call{args: []string{"diff-files", "--diff-filter=A", "--name-only", "--no-renames", "-z"}})
	if err != nil {
		return nil, err
	}
	intended := strings.Split(string(out), "\x00")
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !slices.Contains(intended, p) }), nil
}

// nulList is a list of paths as git reads it with -z.
func nulList(paths []string) io.Reader {
	return strings.NewReader(strings.Join(paths, "\x00") + "\x00")
}

func indexInfo(entries []trackedAs) io.Reader {
	var text strings.Builder
	for _, t := range entries {
		text.WriteString(t.info + "\t" + t.path + "\x00")
	}
	return strings.NewReader(text.String())
}

// commitNamed runs git commit. Hooks don't run where there is nothing to
// commit. The message is committed as it is, unless a hook changes it.
func (r *Repo) commitNamed(ctx context.Context, p gitPlan, message string) (h Hash, err error) {
	list, err := os.CreateTemp("", "chant-paths-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, list.Close(), os.Remove(list.Name())) }()
	if _, err := io.Copy(list, nulList(p.named)); err != nil {
		return "", err
	}
	args := []string{"commit", "--only", "--pathspec-from-file=" + list.Name(), "--pathspec-file-nul"}
	if len(p.fresh) == 0 {
		dry := call{args: append(slices.Clone(args), "--dry-run", "--untracked-files=no"), plain: true}
		_, err := r.attempt(ctx, dry)
		if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == 1 {
			return "", ErrNothing
		}
		if err != nil {
			return "", err
		}
	}
	args = append(args, "--cleanup=verbatim", "-F", "-")
	out, err := r.attempt(ctx, call{args: args, stdin: strings.NewReader(message), plain: true})
	if err != nil {
		return "", err
	}
	return r.summarized(context.WithoutCancel(ctx), string(out))
}

// summarized gives the commit that git commit names in its summary, such as
// "[main (root-commit) 1234567] subject". HEAD may have moved on since.
func (r *Repo) summarized(ctx context.Context, summary string) (Hash, error) {
	named := regexp.MustCompile(`(?m)^\[.*? ([0-9a-f]{4,64})\] `).FindStringSubmatch(summary)
	if named == nil {
		return "", fmt.Errorf("git commit did not name the new commit (git log shows it): %q", summary)
	}
	out, err := r.git(ctx, call{args: []string{"rev-parse", "--verify", "--end-of-options", named[1] + "^{commit}"}})
	if err != nil {
		return "", fmt.Errorf("finding the new commit: %w", err)
	}
	return Hash(strings.TrimSpace(string(out))), nil
}

// fatal is git's exit status where it could not do its work, as against a
// hook that said no.
const fatal = 128

// attempt runs a writing git command. Its failure is a LockedError or
// errChanged where another writer is at work.
func (r *Repo) attempt(ctx context.Context, c call) ([]byte, error) {
	index := filepath.Join(r.gitDir, "index")
	headBefore, err := r.Head()
	if err != nil {
		return nil, err
	}
	before := stampAt(index)
	out, err := r.git(ctx, c)
	if failed, ok := errors.AsType[*CommandError](err); !ok || failed.Code != fatal {
		return out, err
	}
	for _, locked := range []string{index, r.refFile(headBefore.Ref), r.refFile("HEAD")} {
		if lock := locked + lockSuffix; exists(lock) {
			return nil, &LockedError{Path: lock, Err: err}
		}
	}
	if head, errHead := r.Head(); stampAt(index) != before || errHead == nil && head != headBefore {
		return nil, fmt.Errorf("%w: %w", errChanged, err)
	}
	return nil, err
}

// stampAt gives a file's stamp; zero where there is none.
func stampAt(name string) stamp {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return stamp{}
	}
	return stampOf(&st)
}
