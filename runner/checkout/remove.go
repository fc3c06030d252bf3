package checkout

import (
	"io/fs"
	"os"
)

// remove removes a folder with all that is in it, also where commands took away
// the right to change folders.
func remove(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	// The errors of these are met again by RemoveAll.
	_ = os.Chmod(dir, 0o700)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	_ = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = root.Chmod(name, 0o700) // before WalkDir reads it
		}
		return nil
	})
	return os.RemoveAll(dir)
}
