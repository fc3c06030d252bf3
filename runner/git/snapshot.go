package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"chant/runner/process"
)

// Snapshot notes the state of dir, a checkout of this repository that has a repository of
// its own, in a new index in the folder keep. From then on Since needs nothing of what
// somebody may change in dir's own repository. New objects go into the folder objects.
func (r *Repo) Snapshot(ctx context.Context, dir, keep, objects string) (err error) {
	defer wrap(&err, "noting the state of "+dir)
	if err := copyIndex(filepath.Join(dir, ".git", "index"), filepath.Join(keep, "index")); err != nil {
		return err
	}
	_, err = r.git(ctx, call{
		args: []string{"add", "--all", "--sparse", "--", "."}, dir: dir,
		env: append(r.snapshotEnv(dir, keep), r.objectEnv(objects)...), asUser: true, noHooks: true,
	})
	return err
}

// Since lists the files of dir that are not as Snapshot found them, each as it was then, sorted
// by path. New ones, which have no Mode, are listed if git does not ignore them, or if they are
// among those named; of a new folder with a repository of its own there is only its path, with
// a slash at the end.
func (r *Repo) Since(ctx context.Context, dir, keep string, named []string) (changed []Content, err error) {
	defer wrap(&err, "comparing "+dir)
	if _, err := os.Stat(filepath.Join(keep, "index")); errors.Is(err, fs.ErrNotExist) {
		return nil, err // git would take everything for new
	}
	off, err := r.filtersOff(ctx)
	if err != nil {
		return nil, err
	}
	env := append(r.snapshotEnv(dir, keep), off...)
	list, err := r.git(ctx, call{
		args: []string{"status", "--porcelain=v2", "--untracked-files=all", "--no-renames", "--ignore-submodules=all", "-z"}, dir: dir, env: env,
	})
	if err != nil {
		return nil, err
	}
	for record := range strings.SplitSeq(string(list), "\x00") {
		// "1 .M N... MODES HASHES PATH", in each case of HEAD, then of the index; see git-status(1).
		if at, isNew := strings.CutPrefix(record, "? "); isNew {
			changed = append(changed, Content{Path: at})
		} else if words := strings.SplitN(record, " ", 9); len(words) == 9 && words[1][1] != '.' {
			changed = append(changed, Content{Path: words[8], Mode: words[4], Hash: Hash(words[7])})
		}
	}
	args := []string{"ls-files", "--others", "-z", "--"}
	for _, at := range named {
		args = append(args, literally(at))
	}
	if len(named) > 0 {
		if list, err = r.git(ctx, call{args: args, dir: dir, env: env}); err != nil {
			return nil, err
		}
		for at := range strings.SplitSeq(string(list), "\x00") {
			if slices.Contains(named, at) {
				changed = append(changed, Content{Path: at})
			}
		}
	}
	slices.SortFunc(changed, func(a, b Content) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(changed, func(a, b Content) bool { return a.Path == b.Path }), nil
}

// filtersOff returns variables that turn off the filters of the user's configuration. Git would
// run them in the folder that it reads, where they may find somebody else's programs.
func (r *Repo) filtersOff(ctx context.Context) ([]string, error) {
	list, err := r.git(ctx, call{args: []string{"config", "--name-only", "-z", "--get-regexp", `^filter\.`}})
	if none, ok := errors.AsType[*CommandError](err); ok && none.Code == 1 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(process.Getenv(r.user, "GIT_CONFIG_COUNT")) // 0 where the user has none
	var env []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n, name), fmt.Sprintf("GIT_CONFIG_VALUE_%d=", n)) // no program; required: false
		n++
	}
	return append(env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", n)), nil
}

func (r *Repo) snapshotEnv(dir, keep string) []string {
	return []string{"GIT_DIR=" + r.gitDir, "GIT_WORK_TREE=" + dir, "GIT_INDEX_FILE=" + filepath.Join(keep, "index")}
}
