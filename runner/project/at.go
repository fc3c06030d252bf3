package project

import (
	"fmt"

	"chant/runner/git"
	"chant/spec"
)

// TreeReader reads the files of commits.
type TreeReader interface {
	// List returns all files of a commit.
	List(commit git.Hash) ([]git.Content, error)
	// Blob returns the content of a blob.
	Blob(h git.Hash) ([]byte, error)
	// Size returns the size of a blob.
	Size(h git.Hash) (int64, error)
}

// modeSymlink is the mode of a symbolic link in a tree.
const modeSymlink = "120000"

// At reads the project in a commit. Like Load, it returns an error if the config has errors.
func At(repo TreeReader, root string, commit git.Hash) (*Project, error) {
	files, err := repo.List(commit)
	if err != nil {
		return nil, err
	}
	p := &Project{Root: root, Problems: map[string]spec.Problems{}}
	var specs []*spec.Spec
	for _, f := range files {
		if f.Path != ConfigFile && !IsSpecFile(f.Path) {
			continue
		}
		size, err := repo.Size(f.Hash)
		var src []byte
		if tooLarge := err == nil && size > TextLimit; tooLarge && f.Path != ConfigFile {
			s, problems := unusable(f.Path, errTooLarge(f.Path, TextLimit))
			specs, p.Problems[f.Path] = append(specs, s), problems
			continue
		} else if tooLarge {
			err = errTooLarge(f.Path, TextLimit)
		} else if err == nil {
			src, err = repo.Blob(f.Hash)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s of commit %.12s: %w", f.Path, commit, err)
		}
		switch {
		case f.Path == ConfigFile:
			p.Config, p.Problems[ConfigFile] = spec.ParseConfig(ConfigFile, src)
			if err := p.Problems[ConfigFile].Err(); err != nil {
				return nil, err
			}
		case f.Mode == modeSymlink:
			s, problems := unusable(f.Path, errSymlink)
			specs, p.Problems[f.Path] = append(specs, s), problems
		default:
			s, problems := spec.Parse(f.Path, src)
			specs, p.Problems[f.Path] = append(specs, s), problems
		}
	}
	p.link(specs)
	return p, nil
}
