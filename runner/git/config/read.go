package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxDepth is how many files may include one another: git's limit.
const maxDepth = 10

// reader reads all files and variables, once.
type reader struct {
	places  Places
	env     environ
	entries []entry
	depth   int // of files that include one another

	// An includeIf may ask for the remotes' URLs, which are known when all is
	// read. So another reader reads ahead, which holds all such conditions
	// true; a URL that itself hangs on a condition is an error then.
	ahead       bool
	conditional bool     // within a file that was included on a condition
	urls        []string // of all remotes
	urlsKnown   bool
}

// readAll gives all settings in git's order, in which the later ones count.
func readAll(p Places) ([]entry, error) {
	r := &reader{places: p, env: p.Env}
	if err := r.readAll(); err != nil {
		return nil, err
	}
	return r.entries, nil
}

func (r *reader) readAll() error {
	if err := r.readSystem(); err != nil {
		return err
	}
	for _, name := range r.globalFiles() {
		if err := r.readFile(name, true); err != nil {
			return err
		}
	}
	if err := r.readLocal(); err != nil {
		return err
	}
	command, err := commandEntries(r.env)
	if err != nil {
		return err
	}
	return r.take(command, "")
}

func (r *reader) readSystem() error {
	if text, ok := r.env.lookup("GIT_CONFIG_NOSYSTEM"); ok {
		off, err := entry{value: text}.bool()
		if err != nil {
			return fmt.Errorf("reading GIT_CONFIG_NOSYSTEM: %w", err)
		}
		if off {
			return nil
		}
	}
	name, ok := r.env.lookup("GIT_CONFIG_SYSTEM")
	if !ok {
		name = "/etc/gitconfig"
	}
	return r.readFile(name, false)
}

// globalFiles names the user's files. GIT_CONFIG_GLOBAL stands for all of
// them, even empty.
func (r *reader) globalFiles() []string {
	if name, ok := r.env.lookup("GIT_CONFIG_GLOBAL"); ok {
		return []string{name}
	}
	home, hasHome := r.env.lookup("HOME")
	var names []string
	if xdg, _ := r.env.lookup("XDG_CONFIG_HOME"); xdg != "" {
		names = append(names, xdg+"/git/config")
	} else if hasHome {
		names = append(names, home+"/.config/git/config")
	}
	if hasHome {
		names = append(names, home+"/.gitconfig")
	}
	return names
}

// readLocal reads the repository's own files. Whether the work tree has one
// is decided by the shared file itself: includes don't count there.
func (r *reader) readLocal() error {
	shared := filepath.Join(r.places.CommonDir, "config")
	entries, err := r.load(shared, false)
	if err != nil {
		return err
	}
	if err := r.take(entries, shared); err != nil {
		return err
	}
	perWorktree, err := Config{entries: entries}.Bool("extensions.worktreeConfig", false)
	if err != nil || !perWorktree {
		return err
	}
	return r.readFile(filepath.Join(r.places.GitDir, "config.worktree"), false)
}

// readFile takes over the settings of a file. One that isn't there is empty;
// so is one that may not be read, where lenient.
func (r *reader) readFile(name string, lenient bool) error {
	entries, err := r.load(name, lenient)
	if err != nil {
		return err
	}
	return r.take(entries, name)
}

func (r *reader) load(name string, lenient bool) ([]entry, error) {
	if name == "" {
		return nil, nil
	}
	src, err := os.ReadFile(r.absolute(name))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case lenient && errors.Is(err, fs.ErrPermission):
		return nil, nil
	case err != nil:
		return nil, err
	case r.depth > maxDepth:
		return nil, fmt.Errorf("%s: more than %d files include one another", name, maxDepth)
	}
	return parse(name, src)
}

// absolute resolves a path as git does, which runs at the top of the work
// tree. The path isn't cleaned: behind a symlink ".." is another folder.
func (r *reader) absolute(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return r.places.WorkTree + "/" + name
}

// take adds settings, and reads what they include. The file's name is "" for
// settings that come from none.
func (r *reader) take(entries []entry, file string) error {
	for _, e := range entries {
		if r.conditional && r.ahead && isRemoteURL(e.key) {
			return fmt.Errorf("%s: %s stands in a file that is included on a condition, while an includeIf asks for remotes' URLs", file, e.key)
		}
		r.entries = append(r.entries, e)
		if err := r.include(e, file); err != nil {
			return err
		}
	}
	return nil
}
