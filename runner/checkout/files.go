package checkout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Files are some files of a checkout with the content that git gave them. Don't
// call the methods while a command changes the files.
type Files struct {
	root *os.Root // of the checkout, so that no symlink leads out of it
	want []file   // by path
}

// file is what is at a path. A folder is nothing, as it is to git.
type file struct {
	path string
	mode fs.FileMode // 0 for nothing, 0o666 or 0o777 for a regular file, else the type
	data string      // of a symlink its target
}

// Files reads files of the checkout, after it has put back those that have
// changed. Paths are from the top of the checkout. Of a path that the commit
// does not have, the file has to be absent; submodules are left out.
//
// It runs git in the checkout, so call it before any command that is not trusted
// runs there. Close the result.
func (c *Checkout) Files(ctx context.Context, paths []string) (*Files, error) {
	root, err := os.OpenRoot(c.Top())
	if err == nil {
		f := &Files{root: root}
		if err = f.read(ctx, c, paths); err == nil {
			return f, nil
		}
		root.Close()
	}
	return nil, fmt.Errorf("reading files of commit %.12s: %w", c.folder.commit, err)
}

func (f *Files) read(ctx context.Context, c *Checkout, paths []string) error {
	modes := map[string]string{}
	for _, content := range c.folder.files {
		modes[content.Path] = content.Mode
	}
	var present []string
	for _, at := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		if modes[at] == modeSubmodule {
			continue
		}
		f.want = append(f.want, file{path: at})
		if modes[at] != "" {
			present = append(present, at)
		}
	}
	var err error
	if len(present) > 0 {
		specs := strings.NewReader(":(literal)" + strings.Join(present, "\x00:(literal)"))
		_, err = c.folder.draft.source.git(ctx, c.Top(), specs,
			"checkout", "--quiet", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", string(c.Commit()))
	}
	for i := 0; i < len(f.want) && err == nil; i++ {
		if at := f.want[i].path; modes[at] != "" {
			f.want[i], err = f.look(at)
		}
	}
	return err
}

// Close ends the use of the files. It leaves them as they are.
func (f *Files) Close() error { return f.root.Close() }

// Restore puts every file back that is not as it has to be.
func (f *Files) Restore() error {
	for _, one := range f.changed() {
		if err := f.put(one); err != nil {
			return fmt.Errorf("putting %s back: %w", one.path, err)
		}
	}
	return nil
}

// Changed returns the paths of files that are not as they have to be, or that
// can't be read.
func (f *Files) Changed() []string {
	var paths []string
	for _, one := range f.changed() {
		paths = append(paths, one.path)
	}
	return paths
}

func (f *Files) changed() []file {
	var changed []file
	for _, want := range f.want {
		if got, err := f.look(want.path); err != nil || got != want {
			changed = append(changed, want)
		}
	}
	return changed
}

// obstacle returns the first of the folders that a path lies in that is none.
func (f *Files) obstacle(at string) string {
	for i, c := range at {
		if c != '/' {
			continue
		}
		if info, err := f.root.Lstat(at[:i]); err == nil && !info.IsDir() {
			return at[:i]
		}
	}
	return ""
}

// look returns what is at a path. What lies behind a symlink is somewhere else.
func (f *Files) look(at string) (file, error) {
	one := file{path: at}
	if f.obstacle(at) != "" {
		return one, nil
	}
	info, err := f.root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return one, nil
	}
	if err != nil {
		return one, err
	}
	one.mode = info.Mode().Type()
	switch {
	case one.mode == fs.ModeSymlink:
		one.data, err = f.root.Readlink(at)
	case one.mode == 0:
		if one.mode = 0o666; info.Mode()&0o100 != 0 {
			one.mode = 0o777
		}
		var data []byte
		data, err = f.root.ReadFile(at)
		one.data = string(data)
	}
	return one, err
}

// put writes one file, or removes it, with whatever is in its way.
func (f *Files) put(one file) error {
	if obstacle := f.obstacle(one.path); obstacle != "" {
		if err := f.root.Remove(obstacle); err != nil {
			return err
		}
	}
	if err := f.root.RemoveAll(one.path); err != nil || one.mode == 0 {
		return err
	}
	if err := f.root.MkdirAll(path.Dir(one.path), 0o777); err != nil {
		return err
	}
	if one.mode == fs.ModeSymlink {
		return f.root.Symlink(one.data, one.path)
	}
	return f.root.WriteFile(one.path, []byte(one.data), one.mode)
}
