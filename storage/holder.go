package storage

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
)

// writeHolder writes in place: after a rename the lock would be on another file.
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

// clearHolder empties the file. It writes nothing if the file is empty, because shared
// locks are taken very often.
func clearHolder(path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return err
	}
	return os.Truncate(path, 0)
}

// hasName reports whether the locked file still has its name. If the folder was removed,
// another process may hold the lock by a new file of that name.
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

// readHolder returns the zero Holder if the file does not have a complete holder: then
// the lock is free, shared, or was taken just now.
func readHolder(path string) (Holder, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Holder{}, err
	}
	var holder Holder
	if err := json.Unmarshal(data, &holder); err != nil {
		return Holder{}, nil //nolint:nilerr // an incomplete holder is no error, see above
	}
	return holder, nil
}
