package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"chant/runner/git"
)

const modeSubmodule = "160000"

// fillSubmodules checks out the submodules among the files of a repository, and
// theirs. It returns a sentence for each that the user has no copy of. Prefix is
// the path of the repository from the top of the checkout, with a slash, or "".
func (s *Source) fillSubmodules(ctx context.Context, super origin, root *os.Root, prefix string, entries []entry) ([]string, error) {
	var missing []string
	var names map[string]string // read when it is needed
	for _, e := range entries {
		if e.mode != modeSubmodule {
			continue
		}
		at := location{top: filepath.Join(super.top, e.path), gitDir: filepath.Join(super.top, e.path, ".git")}
		if super.top == "" || !exists(at.gitDir) {
			var err error
			if names == nil {
				if names, err = s.submoduleNames(ctx, root.Name()); err != nil {
					return nil, err
				}
			}
			at = location{gitDir: filepath.Join(super.modules, names[e.path])}
		}
		reasons, err := s.fillSubmodule(ctx, at, root, prefix, e)
		if err != nil {
			return nil, fmt.Errorf("submodule %s: %w", prefix+e.path, err)
		}
		missing = append(missing, reasons...)
	}
	return missing, nil
}

// submoduleNames reads the names of the submodules of a checkout, by path. A
// submodule's repository lies in a folder of that name: others than local paths
// are left out.
func (s *Source) submoduleNames(ctx context.Context, dir string) (map[string]string, error) {
	names := map[string]string{}
	out, err := s.git(ctx, dir, "config", "--blob", "HEAD:.gitmodules", "-z", "--get-regexp", `^submodule\..*\.path$`)
	if _, failed := errors.AsType[*git.CommandError](err); failed {
		return names, nil // there is no such file, or no such line in it
	}
	if err != nil {
		return nil, err
	}
	for _, line := range parseConfig(string(out)) {
		name := strings.TrimSuffix(strings.TrimPrefix(line.key, "submodule."), ".path")
		if filepath.IsLocal(name) {
			names[line.value] = name
		}
	}
	return names, nil
}

// fillSubmodule checks out one submodule from the user's copy of it.
func (s *Source) fillSubmodule(ctx context.Context, at location, super *os.Root, prefix string, e entry) ([]string, error) {
	name := prefix + e.path
	missing := func(why string) ([]string, error) {
		return []string{fmt.Sprintf("submodule %s is missing: %s (run git submodule update --init --recursive)", name, why)}, nil
	}
	if at.top == "" && !exists(filepath.Join(at.gitDir, "HEAD")) {
		return missing("the repository has no copy of it")
	}
	o, err := s.submodules.get(at.gitDir, func() (origin, error) { return s.readOrigin(ctx, at) })
	if unreadable, failed := errors.AsType[*git.CommandError](err); failed {
		return missing(unreadable.Message)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(filepath.Join(super.Name(), filepath.FromSlash(e.path)))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := o.create(root); err != nil {
		return nil, s.mended(err)
	}
	_, err = s.git(ctx, root.Name(), "cat-file", "-e", string(e.blob)+"^{commit}")
	if _, failed := errors.AsType[*git.CommandError](err); failed {
		if err := root.RemoveAll(".git"); err != nil {
			return nil, err
		}
		return missing(fmt.Sprintf("the repository's copy has no commit %.12s", e.blob))
	}
	if err != nil {
		return nil, err
	}
	entries, err := s.writeFiles(ctx, root, e.blob)
	if err != nil {
		return nil, err
	}
	return s.fillSubmodules(ctx, o, root, path.Clean(name)+"/", entries)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
