package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chant/runner/git"
)

const modeSubmodule = "160000"

// fillSubmodules checks out the submodules among the files of a repository, and
// theirs. It returns a sentence for each that the user has no copy of. Prefix is
// the path of the repository from the top of the checkout, with a slash, or "".
func (s *Source) fillSubmodules(ctx context.Context, super origin, dir, prefix string, files []git.Content) ([]string, error) {
	submodules := slices.DeleteFunc(slices.Clone(files), func(c git.Content) bool { return c.Mode != modeSubmodule })
	if len(submodules) == 0 {
		return nil, nil
	}
	names, err := s.submoduleNames(ctx, dir)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, c := range submodules {
		at := filepath.Join(dir, c.Path)
		o, err := s.openSubmodule(ctx, super, names[c.Path], at, c)
		if refused, ok := errors.AsType[*git.CommandError](err); ok {
			missing = append(missing, fmt.Sprintf("submodule %s is missing: %s (run git submodule update --init --recursive)",
				prefix+c.Path, refused.Message))
			if err := os.RemoveAll(filepath.Join(at, ".git")); err != nil {
				return nil, err
			}
			continue
		}
		if err == nil {
			files, err = s.writeFiles(ctx, at, c.Hash)
		}
		var inner []string
		if err == nil {
			inner, err = s.fillSubmodules(ctx, o, at, prefix+c.Path+"/", files)
		}
		if err != nil {
			return nil, fmt.Errorf("submodule %s: %w", c.Path, err)
		}
		missing = append(missing, inner...)
	}
	return missing, nil
}

// submoduleNames reads the names of the submodules of a checkout, by path. A
// submodule's repository lies in a folder of that name: others than local paths
// are left out.
func (s *Source) submoduleNames(ctx context.Context, dir string) (map[string]string, error) {
	names := map[string]string{}
	out, err := s.git(ctx, dir, nil, "config", "--blob", "HEAD:.gitmodules", "-z", "--get-regexp", `^submodule\..*\.path$`)
	if _, failed := errors.AsType[*git.CommandError](err); failed {
		return names, nil // there is no such file, or no such line in it
	}
	for _, line := range parseConfig(string(out)) {
		name := strings.TrimSuffix(strings.TrimPrefix(line.key, "submodule."), ".path")
		if filepath.IsLocal(name) {
			names[line.value] = name
		}
	}
	return names, err
}

// openSubmodule makes a repository for a submodule from the user's copy of it: the
// one in the work tree, or that of the name among the submodules of super. The error
// is a git.CommandError where there is none, or where it lacks the commit.
func (s *Source) openSubmodule(ctx context.Context, super origin, name, at string, c git.Content) (origin, error) {
	top := filepath.Join(super.top, c.Path)
	gitDir := filepath.Join(top, ".git")
	if !exists(gitDir) {
		top = filepath.Join(super.modules, name)
		gitDir = top
	}
	o, err := s.readOrigin(ctx, top, gitDir)
	if err == nil {
		err = o.create(at)
	}
	if err == nil {
		_, err = s.git(ctx, at, nil, "cat-file", "-e", string(c.Hash)+"^{commit}")
	}
	return o, err
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
