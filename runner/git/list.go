package git

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// File is a file, a symlink or a submodule of a tree.
type File struct {
	Path string // slash-separated, from the top of the repository
	Mode string // as a tree has it: 100644, 100755, 120000 or 160000
	Hash Hash   // the blob; of a submodule, its commit
}

// List lists all files, symlinks and submodules of a commit, in git's order.
func (r *Repo) List(commit Hash) ([]File, error) {
	c, err := r.commitAt(commit)
	if err != nil {
		return nil, err
	}
	var files []File
	err = r.walk(c.Tree, "", func(name string, e entry) error {
		if e.mode != filemode.Dir {
			files = append(files, File{Path: name, Mode: fmt.Sprintf("%o", uint32(e.mode)), Hash: e.id})
		}
		return nil
	})
	return files, err
}
