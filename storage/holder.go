package storage

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
)

// writeHolder writes in place: a renamed file would not be the locked one.
func writeHolder(path string, info Holder) error {
	data, err := json.Marshal(info)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// clearHolder writes nothing where there is nothing to clear: shared locks are
// taken by the hundred.
func clearHolder(path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return err
	}
	return os.Truncate(path, 0)
}

// hasName tells whether the file that is locked still has its name: somebody may
// have removed the folder, and another holder may be named by a new file there.
func hasName(l *flock.Flock) (bool, error) {
	ours, err := l.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(l.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(ours, there), err
}

// readHolder gives the zero Holder for a file without a whole holder in it: the
// lock is free, shared, or taken an instant ago.
func readHolder(path string) (Holder, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Holder{}, err
	}
	var holder Holder
	if err := json.Unmarshal(data, &holder); err != nil {
		return Holder{}, nil //nolint:nilerr // half of a holder is as good as none
	}
	return holder, nil
}
