// Package project reads a project: its config, its specs and the state of its work
// tree.
package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"chant/spec"
)

func StorePath(root string) string {
	return filepath.Join(root, filepath.FromSlash(StoreDir))
}

func LockName(specID string) string { return "spec/" + specID }

// The folders and files of a project, slash-separated and relative to its root.
const (
	ChantDir   = ".chant"
	SpecsDir   = ".chant/specs"
	ArchiveDir = ".chant/archive"
	ConfigFile = ".chant/config.md"
	StoreDir   = ".chant/store"
)

// ErrNoProject is returned when no folder from the current one upward holds
// ".chant".
var ErrNoProject = errors.New("no .chant folder here or in any parent folder (try: chant init)")

// Project is a loaded project: its config and every spec that it holds.
type Project struct {
	Root     string // absolute; the folder that holds .chant
	Config   spec.Config
	Set      *spec.Set
	Problems map[string]spec.Problems // what reading each file said, by path; the config is one of them
}

// FindRoot gives the nearest folder, from dir upward, that holds ".chant".
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

// Load is Read, but refuses a config with errors.
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

// Read reads the project at root. Specs that can't be read are part of it, with
// their problems, and so is as much of the config as can; an error means that
// the folders themselves, or the config's file, could not be read.
func Read(root string) (*Project, error) {
	p := &Project{Root: root, Problems: map[string]spec.Problems{}}
	if err := p.loadConfig(); err != nil {
		return nil, err
	}
	var specs []*spec.Spec
	for _, dir := range []string{SpecsDir, ArchiveDir} {
		paths, err := specPaths(root, dir)
		if err != nil {
			return nil, err
		}
		for _, at := range paths {
			s, problems := readSpec(root, at)
			specs = append(specs, s)
			p.Problems[at] = problems
		}
	}
	p.Set = spec.NewSet(specs)
	return p, nil
}

func (p *Project) loadConfig() error {
	src, err := ReadRegular(p.Abs(ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		src, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	p.Config, p.Problems[ConfigFile] = spec.ParseConfig(ConfigFile, src)
	return nil
}

func (p *Project) Abs(path string) string { return Abs(p.Root, path) }

// Abs turns a slash-separated path of the project into one of this system.
func Abs(root, path string) string { return filepath.Join(root, filepath.FromSlash(path)) }

// specPaths lists the Markdown files below dir; specs themselves lie flat, the
// archive may have folders of its own. Hidden files are editors' and ours.
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
		case !entry.IsDir() && path.Ext(at) == ".md" && !strings.HasPrefix(path.Base(at), "."):
			paths = append(paths, at)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing specs: %w", err)
	}
	return paths, nil
}

// errSymlink refuses a spec that is a symbolic link: git commits the link, and not
// what chant would write behind it.
var errSymlink = errors.New("is a symbolic link (put the file itself in its place)")

// readSpec reads one spec file. A file that can't be opened is a problem of
// that spec, and no reason to hide the others.
func readSpec(root, at string) (*spec.Spec, spec.Problems) {
	info, err := os.Lstat(Abs(root, at))
	if err == nil && info.Mode().Type() == fs.ModeSymlink {
		return unusable(at, errSymlink)
	}
	src, err := ReadRegular(Abs(root, at))
	if err != nil {
		return unusable(at, err)
	}
	return spec.Parse(at, src)
}

// unusable returns a spec that has nothing but its id, and the problem.
func unusable(at string, err error) (*spec.Spec, spec.Problems) {
	s, _ := spec.Parse(at, nil) // for its id; the problem that counts is the file's own
	return s, spec.Problems{{ID: s.ID, Path: at, Severity: spec.Error, Rule: "unreadable", Msg: err.Error()}}
}

// Invalid gives the specs that can't be used because of errors in their files,
// by id.
func (p *Project) Invalid() map[string]bool {
	invalid := map[string]bool{}
	for _, s := range p.Set.All() {
		if p.Problems[s.Path].Err() != nil {
			invalid[s.ID] = true
		}
	}
	return invalid
}

// IsSpecFile goes by the same rule as Load: specs lie flat, the archive may
// have folders.
func IsSpecFile(at string) bool {
	base := path.Base(at)
	return path.Ext(base) == ".md" && !strings.HasPrefix(base, ".") &&
		(path.Dir(at) == SpecsDir || strings.HasPrefix(at, ArchiveDir+"/"))
}
