// Package project reads a project: its config, its specs and the state of its work tree.
package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"chant/spec"
)

// Folders and files of a project, slash-separated and relative to its root.
const (
	ChantDir   = ".chant"
	SpecsDir   = ".chant/specs"
	ArchiveDir = ".chant/archive"
	ConfigFile = ".chant/config.md"
	StoreDir   = ".chant/store"
)

// StorePath returns the path of the store of the project at root.
func StorePath(root string) string { return Abs(root, StoreDir) }

// LockName returns the name of a spec's lock in the store.
func LockName(specID string) string { return "spec/" + specID }

// ErrNoProject is returned by FindRoot if neither the folder nor a parent has a .chant.
var ErrNoProject = errors.New("no .chant folder here or in any parent folder (try: chant init)")

// Project is a loaded project: its config and all its specs.
type Project struct {
	Root     string // the absolute path of the folder with .chant
	Config   spec.Config
	Set      *spec.Set
	Problems map[string]spec.Problems // of each spec and of the config, by path; see spec.Inspect
}

// FindRoot returns dir or its nearest parent that has a .chant folder.
func FindRoot(dir string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(filepath.Join(at, ChantDir))
		switch {
		case err == nil && info.IsDir():
			return at, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("looking for %s: %w", ChantDir, err)
		case at == filepath.Dir(at):
			return "", ErrNoProject
		}
	}
}

// Load is like Read, but returns an error if the config has errors.
func Load(root string) (*Project, error) {
	p, err := Read(root)
	if err == nil {
		err = p.Problems[ConfigFile].Err()
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Read reads the project at root. A spec or config with errors is part of it as far as it
// can be parsed, and Problems has the errors. The error is not nil only if the folders or
// the config's file could not be read.
func Read(root string) (*Project, error) {
	p := &Project{Root: root, Problems: map[string]spec.Problems{}}
	top, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	if err := p.loadConfig(top); err != nil {
		return nil, err
	}
	live, errLive := specPaths(root, SpecsDir)
	archived, errArchived := specPaths(root, ArchiveDir)
	if err := errors.Join(errLive, errArchived); err != nil {
		return nil, err
	}
	paths := slices.Concat(live, archived)
	specs, problems := make([]*spec.Spec, len(paths)), make([]spec.Problems, len(paths))
	var readers errgroup.Group
	readers.SetLimit(runtime.GOMAXPROCS(0))
	for i, at := range paths {
		readers.Go(func() error {
			specs[i], problems[i] = readSpec(top, at)
			return nil
		})
	}
	_ = readers.Wait() // an error of one spec is among its problems
	for i, at := range paths {
		p.Problems[at] = problems[i]
	}
	p.link(specs)
	return p, nil
}

// link makes the set of the specs, and adds the problems that only the config and the set
// show.
func (p *Project) link(specs []*spec.Spec) {
	p.Set = spec.NewSet(specs)
	p.Problems = spec.Inspect(p.Set, p.Config, p.Problems)
}

func (p *Project) loadConfig(top *os.Root) error {
	src, err := ReadIn(top, ConfigFile, TextLimit)
	if errors.Is(err, fs.ErrNotExist) {
		src, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	p.Config, p.Problems[ConfigFile] = spec.ParseConfig(ConfigFile, src)
	return nil
}

// Abs returns the absolute path of a file of the project.
func (p *Project) Abs(path string) string { return Abs(p.Root, path) }

// Abs returns the absolute path of a slash-separated path relative to root.
func Abs(root, path string) string { return filepath.Join(root, filepath.FromSlash(path)) }

// specPaths returns the paths of the spec files in dir; see IsSpecFile.
func specPaths(root, dir string) ([]string, error) {
	var paths []string
	err := fs.WalkDir(os.DirFS(root), dir, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && at == dir:
			return fs.SkipAll
		case err != nil:
			return err
		case at == dir && !entry.IsDir():
			return fmt.Errorf("%s is not a folder", dir)
		case entry.IsDir() && at != dir && dir == SpecsDir:
			return fs.SkipDir
		case !entry.IsDir() && IsSpecFile(at):
			paths = append(paths, at)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing specs: %w", err)
	}
	return paths, nil
}

// errSymlink is the problem of a spec that is a symbolic link. Git commits the link, and not
// the file that chant would change.
var errSymlink = errors.New("is a symbolic link (replace it by the file itself)")

// readSpec reads one spec file. If it can't be read, that is a problem of this spec.
func readSpec(top *os.Root, at string) (*spec.Spec, spec.Problems) {
	info, err := top.Lstat(at)
	if err == nil && info.Mode().Type() == fs.ModeSymlink {
		return unusable(at, errSymlink)
	}
	src, err := ReadIn(top, at, TextLimit)
	if err != nil {
		return unusable(at, err)
	}
	return spec.Parse(at, src)
}

// unusable returns a spec that has only an id, and the problem.
func unusable(at string, err error) (*spec.Spec, spec.Problems) {
	s, _ := spec.Parse(at, nil) // for its id; that it is empty is not the problem
	return s, spec.Problems{{ID: s.ID, Path: at, Severity: spec.Error, Rule: "unreadable", Msg: err.Error(), Hint: Mend(err)}}
}

// Invalid returns the ids of the specs whose files have errors.
func (p *Project) Invalid() map[string]bool {
	invalid := map[string]bool{}
	for _, s := range p.Set.All() {
		if p.Problems[s.Path].Err() != nil {
			invalid[s.ID] = true
		}
	}
	return invalid
}

// IsSpecFile reports whether a path is that of a spec: a Markdown file in SpecsDir, or in
// ArchiveDir or a folder below it. Hidden files are not specs: editors and chant make them.
func IsSpecFile(at string) bool {
	base := path.Base(at)
	return path.Ext(base) == ".md" && !strings.HasPrefix(base, ".") &&
		(path.Dir(at) == SpecsDir || strings.HasPrefix(at, ArchiveDir+"/"))
}
