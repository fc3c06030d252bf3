package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"chant/runner/git"
	"chant/runner/process"
)

// furnish gives a checkout what is not in git: symlinks to folders of the user's
// work tree, and what the setup commands make. It returns the ways back.
func (s *Source) furnish(ctx context.Context, root *os.Root, entries []entry) ([]string, error) {
	if err := root.MkdirAll(path.Join(s.opts.Prefix, "."), 0o777); err != nil {
		return nil, fmt.Errorf("making the project's folder: %w", s.mended(err))
	}
	user, err := os.OpenRoot(s.origin.top)
	if err != nil {
		return nil, err
	}
	defer user.Close()
	links, err := s.configured()
	if err == nil && len(s.opts.Link)+len(s.opts.Setup) == 0 {
		links, err = s.installed(ctx, user, root, entries)
	}
	if err != nil {
		return nil, err
	}
	var linked []string
	for _, at := range links {
		made, err := s.link(user, root, at)
		if err != nil {
			return nil, fmt.Errorf("linking %s: %w", at, s.mended(err))
		}
		if made {
			linked = append(linked, at)
		}
	}
	if err := exclude(root, linked); err != nil {
		return nil, s.mended(err)
	}
	for _, command := range s.opts.Setup {
		if err := s.setUp(ctx, s.projectDir(root.Name()), command); err != nil {
			return nil, err
		}
	}
	return s.waysBack(ctx, root, linked)
}

// configured returns the configured links as paths from the repository's top.
func (s *Source) configured() ([]string, error) {
	var paths []string
	for _, at := range s.opts.Link {
		if !filepath.IsLocal(at) {
			return nil, fmt.Errorf("linking %s: not a path inside of the project", at)
		}
		paths = append(paths, path.Join(s.opts.Prefix, at))
	}
	return paths, nil
}

// link makes one symlink, if the user's work tree has the path and the checkout
// does not.
func (s *Source) link(user, root *os.Root, at string) (bool, error) {
	_, err := user.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = root.Lstat(at)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := root.MkdirAll(path.Dir(at), 0o777); err != nil {
		return false, err
	}
	return true, root.Symlink(filepath.Join(user.Name(), filepath.FromSlash(at)), at)
}

// exclude makes git ignore links: a pattern such as "node_modules/" in .gitignore
// matches folders only.
func exclude(root *os.Root, linked []string) error {
	if len(linked) == 0 {
		return nil
	}
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)
	var lines bytes.Buffer
	for _, at := range linked {
		fmt.Fprintf(&lines, "/%s\n", escape.Replace(at))
	}
	return root.WriteFile(".git/info/exclude", lines.Bytes(), 0o666)
}

// lockFiles are the files by which a node_modules folder is installed.
func lockFiles() []string {
	return []string{"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"}
}

// installed returns the user's node_modules folders that git ignores, and that
// are installed by the lock files that the checkout has.
func (s *Source) installed(ctx context.Context, user, root *os.Root, entries []entry) ([]string, error) {
	locks := map[string]bool{} // by folder: whether all are the same there
	for _, e := range entries {
		if slices.Contains(lockFiles(), path.Base(e.path)) {
			before, seen := locks[path.Dir(e.path)]
			locks[path.Dir(e.path)] = (before || !seen) && sameFile(user, root, e.path)
		}
	}
	var found []string
	for _, e := range entries {
		at := path.Join(path.Dir(e.path), "node_modules")
		if path.Base(e.path) != "package.json" || !locks[lockFolder(locks, path.Dir(e.path))] {
			continue
		}
		if _, err := user.Lstat(at); err == nil {
			found = append(found, at)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	list := []string{"ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", "--"}
	out, err := s.repo.Run(ctx, git.Call{Args: append(list, found...), Env: []string{literally}})
	if err != nil {
		return nil, fmt.Errorf("asking git whether it ignores %s: %w", some(found), err)
	}
	ignored := strings.Split(string(out), "\x00")
	return slices.DeleteFunc(found, func(at string) bool {
		return !slices.Contains(ignored, at) && !slices.Contains(ignored, at+"/")
	}), nil
}

// lockFolder returns the nearest folder with lock files, from dir upward.
func lockFolder(locks map[string]bool, dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := locks[dir]; ok {
			return dir
		}
	}
	return "."
}

// sameFile tells whether a file can be read in both folders and is the same.
func sameFile(a, b *os.Root, name string) bool {
	one, err := a.ReadFile(name)
	if err != nil {
		return false
	}
	other, err := b.ReadFile(name)
	return err == nil && bytes.Equal(one, other)
}

// setUp runs one command that makes a checkout ready.
func (s *Source) setUp(ctx context.Context, dir, command string) error {
	const lines = 2000 // bytes of output that an error shows
	output := process.NewBuffer(0, lines)
	masked := process.NewMasker(output, process.Secrets(s.opts.Env))
	res := s.opts.Processes.Run(ctx, process.Command{
		Argv: []string{"sh", "-e", "-c", command}, Dir: dir, Env: s.opts.Env, Output: masked, Timeout: s.opts.SetupTimeout,
	})
	if err := masked.Close(); err != nil {
		return err
	}
	why := ""
	switch {
	case res.Cancelled:
		return context.Cause(ctx)
	case res.Err != nil:
		return fmt.Errorf("setting up by %q: %w", command, res.Err)
	case res.TimedOut:
		why = fmt.Sprintf("timed out after %s", s.opts.SetupTimeout)
	case res.Signal != 0:
		why = fmt.Sprintf("killed by %s", res.Signal)
	case res.Exit != 0:
		why = fmt.Sprintf("exit status %d", res.Exit)
	default:
		return nil
	}
	if text := strings.TrimSpace(output.String()); text != "" {
		why += "\n" + text
	}
	return fmt.Errorf("setting up by %q: %s", command, why)
}
