package checkout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"chant/runner/git"
	"chant/runner/process"
)

// furnish adds to a checkout what is not in git: symlinks to folders of the user's
// work tree, and what the setup commands make. It returns the ways back.
func (s *Source) furnish(ctx context.Context, top string, commit git.Hash, files []git.Content) ([]string, error) {
	root, err := os.OpenRoot(top)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Join(s.opts.Prefix, "."), 0o777); err != nil {
		return nil, fmt.Errorf("making the project's folder: %w", err)
	}
	var links, linked []string
	for _, at := range s.opts.Link {
		links = append(links, path.Join(s.opts.Prefix, at))
	}
	if len(s.opts.Link)+len(s.opts.Setup) == 0 {
		if links, err = s.installed(ctx, top, files); err != nil {
			return nil, err
		}
	}
	// A pattern such as "node_modules/" in .gitignore matches folders only.
	var exclude strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)
	for _, at := range links {
		made, err := s.link(root, at)
		if err != nil {
			return nil, fmt.Errorf("linking %s: %w", at, err)
		}
		if made {
			linked = append(linked, at)
			exclude.WriteString("/" + escape.Replace(at) + "\n")
		}
	}
	if err := root.WriteFile(".git/info/exclude", []byte(exclude.String()), 0o666); err != nil {
		return nil, err
	}
	if err := s.setUpAll(ctx, top, commit); err != nil {
		return nil, err
	}
	return s.waysBack(ctx, top, linked)
}

// setUpAll runs the setup commands. They must not change files of the commit, which
// is what commands are to see.
func (s *Source) setUpAll(ctx context.Context, top string, commit git.Hash) error {
	if len(s.opts.Setup) == 0 {
		return nil
	}
	before, err := s.changed(ctx, top, commit) // git may convert a file otherwise than it was committed
	if err != nil {
		return err
	}
	for _, command := range s.opts.Setup {
		if err := s.setUp(ctx, filepath.Join(top, s.opts.Prefix), command); err != nil {
			return fmt.Errorf("setting up by %q: %w", command, err)
		}
	}
	after, err := s.changed(ctx, top, commit)
	if err != nil {
		return fmt.Errorf("looking at what worktree.setup changed: %w", err)
	}
	maps.DeleteFunc(after, func(at, content string) bool { return before[at] == content })
	if len(after) == 0 {
		return nil
	}
	files := slices.Sorted(maps.Keys(after))
	return fmt.Errorf("worktree.setup changed files of the commit: %s (let it leave them as they are, as npm ci does)",
		strings.Join(files[:min(len(files), 5)], ", "))
}

// changed returns the files that differ from a commit, each with what is there.
func (s *Source) changed(ctx context.Context, top string, commit git.Hash) (map[string]string, error) {
	out, err := s.git(ctx, top, nil, "diff", "--name-only", "--no-renames", "--ignore-submodules=untracked", "-z", string(commit))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for at := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		file := filepath.Join(top, at)
		link, _ := os.Readlink(file) // "" if it is none
		var content []byte
		info, err := os.Lstat(file)
		if err == nil && info.Mode().IsRegular() { // a pipe would never end
			content, err = os.ReadFile(file)
		}
		files[at] = fmt.Sprint(link, sha256.Sum256(content), err)
	}
	delete(files, "")
	return files, nil
}

// link makes one symlink, if the user's work tree has the path and the checkout
// does not.
func (s *Source) link(root *os.Root, at string) (bool, error) {
	target := filepath.Join(s.origin.top, at)
	if _, err := root.Lstat(at); err == nil || !exists(target) {
		return false, nil
	}
	if err := root.MkdirAll(path.Dir(at), 0o777); err != nil {
		return false, err
	}
	return true, root.Symlink(target, at)
}

// installed returns the user's node_modules folders that git ignores, and whose
// lock files, in the nearest folder that has any, are the same in the checkout.
func (s *Source) installed(ctx context.Context, top string, files []git.Content) ([]string, error) {
	locks := []string{"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"}
	same := map[string]bool{} // by folder with lock files
	for _, c := range files {
		if dir, name := path.Dir(c.Path), path.Base(c.Path); slices.Contains(locks, name) {
			before, known := same[dir]
			same[dir] = (before || !known) && sameFile(filepath.Join(top, c.Path), filepath.Join(s.origin.top, c.Path))
		}
	}
	locked := func(dir string) bool {
		for ; ; dir = path.Dir(dir) {
			if equal, known := same[dir]; known || dir == "." {
				return equal
			}
		}
	}
	if len(same) == 0 {
		return nil, nil
	}
	out, err := s.git(ctx, "", nil, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", ":(glob)**/node_modules")
	if err != nil {
		return nil, fmt.Errorf("looking for node_modules: %w", err)
	}
	var found []string
	for at := range strings.SplitSeq(string(out), "\x00") {
		at = strings.TrimSuffix(at, "/")
		if dir, name := path.Split(at); name == "node_modules" && exists(filepath.Join(top, dir, "package.json")) && locked(path.Dir(at)) {
			found = append(found, at)
		}
	}
	return found, nil
}

// sameFile tells whether two files can be read and are the same.
func sameFile(a, b string) bool {
	one, errOne := os.ReadFile(a)
	other, errOther := os.ReadFile(b)
	return errOne == nil && errOther == nil && bytes.Equal(one, other)
}

// setUp runs one command that makes a checkout ready.
func (s *Source) setUp(ctx context.Context, dir, command string) error {
	const shown = 2000 // bytes of output in an error
	output := process.NewBuffer(0, shown)
	masked := process.NewMasker(output, s.secrets)
	res := s.opts.Processes.Run(ctx, process.Command{
		Argv: []string{"sh", "-e", "-c", command}, Dir: dir, Env: s.opts.Env, Output: masked, Timeout: s.setupTimeout,
	})
	err := masked.Close()
	switch {
	case res.Cancelled:
		return context.Cause(ctx)
	case res.Err != nil:
		return res.Err
	case res.TimedOut:
		err = fmt.Errorf("timed out after %s", s.setupTimeout)
	case res.Signal != 0:
		err = fmt.Errorf("killed by %s", res.Signal)
	case res.Exit != 0:
		err = fmt.Errorf("exit status %d", res.Exit)
	}
	if text := strings.TrimSpace(process.MaskText(output.String(), nil, s.opts.Secrets)); err != nil && text != "" {
		err = fmt.Errorf("%w\n%s", err, text)
	}
	return err
}
