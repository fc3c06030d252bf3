package runner

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"chant/runner/git"
	"chant/runner/project"
	"chant/spec"
)

// candidate is what a run would commit on top of HEAD, and the other changes of the work tree.
type candidate struct {
	head    git.Head
	targets []string          // changed paths that the commit will have, sorted
	prints  map[string]string // their project.Fingerprint
	chant   []string          // changed paths in .chant that it won't have; checkouts have them
	extra   []string          // all other changed paths
	nested  []string          // target files that are repositories of their own
}

// readCandidate compares the work tree with HEAD.
func (a *attempt) readCandidate(ctx context.Context) (candidate, error) {
	repo := a.engine.Git
	head, err := repo.Head()
	if err != nil {
		return candidate{}, err
	}
	changes, err := project.ReadChanges(ctx, repo)
	if err != nil {
		return candidate{}, err
	}
	flagged, leftOut, err := a.flagged(ctx)
	if err != nil {
		return candidate{}, err
	}
	c := candidate{head: head, prints: map[string]string{}, extra: leftOut}
	for _, at := range pathsOf(changes, flagged) {
		switch {
		case a.spec.Targets(at):
			c.targets = append(c.targets, at)
		case strings.HasPrefix(at, project.ChantDir+"/") && at != project.ConfigFile:
			c.chant = append(c.chant, at)
		default:
			c.extra = append(c.extra, at)
		}
	}
	for _, change := range changes {
		if change.Repository && change.Untracked && a.spec.Targets(change.Path) {
			c.nested = append(c.nested, change.Path)
		}
	}
	root, err := os.OpenRoot(a.engine.Settings.Root)
	if err != nil {
		return candidate{}, err
	}
	defer root.Close()
	for _, at := range c.targets {
		if c.prints[at], err = project.Fingerprint(root, at); err != nil {
			return candidate{}, fmt.Errorf("reading the target file %s: %w", at, err)
		}
	}
	return c, nil
}

// pathsOf returns the paths of both, sorted and without duplicates.
func pathsOf(changes []git.Change, flagged []string) []string {
	paths := map[string]bool{}
	for _, c := range changes {
		paths[c.Path] = true
	}
	for _, at := range flagged {
		paths[at] = true
	}
	return slices.Sorted(maps.Keys(paths))
}

// flagged returns the files that git does not compare with the index (assume-unchanged,
// skip-worktree), because they may have any content. leftOut are those that a sparse checkout
// leaves out: the commit has them, and the checks in the work tree can't see them.
func (a *attempt) flagged(ctx context.Context) (paths, leftOut []string, err error) {
	out, err := a.engine.Git.Run(ctx, git.Call{Args: []string{"ls-files", "-v", "-z"}})
	if err != nil {
		return nil, nil, fmt.Errorf("reading the index: %w", err)
	}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		tag, at, _ := strings.Cut(entry, " ")
		if tag == "" || tag != "S" && tag == strings.ToUpper(tag) {
			continue
		}
		if _, err := os.Lstat(project.Abs(a.engine.Settings.Root, at)); err != nil && tag != "h" {
			leftOut = append(leftOut, at)
			continue
		}
		paths = append(paths, at)
	}
	return paths, leftOut, nil
}

// unmatched returns the entries of target_files that match no changed file, and no file that
// a commit has changed.
func (a *attempt) unmatched(ctx context.Context, c candidate) ([]spec.Item, error) {
	var unmatched []spec.Item
	for _, item := range a.spec.TargetFiles {
		if slices.ContainsFunc(c.targets, func(at string) bool { return spec.MatchPath(item.Value, at) }) {
			continue
		}
		last, err := a.lastTouching(ctx, c.head, item)
		if err != nil {
			return nil, err
		}
		if last == "" {
			unmatched = append(unmatched, item)
		}
	}
	return unmatched, nil
}

// lastTouching returns, as "TIME ID", the newest first-parent commit that changed a file that
// matches an entry of target_files, or "" if there is none. A merge is compared with its
// first parent.
func (a *attempt) lastTouching(ctx context.Context, head git.Head, item spec.Item) (string, error) {
	if head.Commit == "" {
		return "", nil
	}
	paths := []string{path.Clean(item.Value)}
	if spec.IsGlob(item.Value) {
		files, err := a.engine.Git.List(head.Commit)
		if err != nil {
			return "", err
		}
		for _, f := range files {
			if spec.MatchPath(item.Value, f.Path) {
				paths = append(paths, f.Path)
			}
		}
	}
	out, err := a.engine.Git.Run(ctx, git.Call{
		Args:  []string{"log", "-1", "--first-parent", "-m", "--format=%ct %H", "--no-patch", "--stdin"},
		Stdin: strings.NewReader(string(head.Commit) + "\n--\n" + strings.Join(paths, "\n") + "\n"),
		Env:   []string{"GIT_LITERAL_PATHSPECS=1"},
	})
	if err != nil {
		return "", fmt.Errorf("looking for the last commit of %s: %w", item.Value, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// lastCommits returns the newest commit of each entry of target_files, the newest first.
func (a *attempt) lastCommits(ctx context.Context, head git.Head) ([]string, error) {
	var found []string
	for _, item := range a.spec.TargetFiles {
		last, err := a.lastTouching(ctx, head, item)
		if err != nil {
			return nil, err
		}
		if last != "" {
			found = append(found, last)
		}
	}
	slices.Sort(found) // by time
	slices.Reverse(found)
	commits := []string{}
	for _, one := range slices.Compact(found) {
		_, id, _ := strings.Cut(one, " ")
		commits = append(commits, id)
	}
	return commits, nil
}
