package storage

import (
	"errors"
	"syscall"
	"testing"
)

// hooked is a folder that calls a hook before each operation on it or its files, for
// example with "open store.1.log". If the hook returns an error, the operation fails.
type hooked struct {
	folder
	hook func(what string) error
}

type hookedFile struct {
	file
	name string
	hook func(what string) error
}

func (h hooked) open(name string, how access) (file, error) {
	if err := h.hook("open " + name); err != nil {
		return nil, err
	}
	f, err := h.folder.open(name, how)
	if err != nil {
		return nil, err
	}
	return hookedFile{f, name, h.hook}, nil
}

func (h hooked) rename(from, to string) error {
	if err := h.hook("rename " + to); err != nil {
		return err
	}
	return h.folder.rename(from, to)
}

func (h hooked) remove(name string) error {
	if err := h.hook("remove " + name); err != nil {
		return err
	}
	return h.folder.remove(name)
}

func (f hookedFile) ReadAt(b []byte, at int64) (int, error) {
	if err := f.hook("read " + f.name); err != nil {
		return 0, err
	}
	return f.file.ReadAt(b, at)
}

func (f hookedFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.hook("write " + f.name); err != nil {
		return 0, err
	}
	return f.file.WriteAt(b, at)
}

func (f hookedFile) sync() error {
	if err := f.hook("sync " + f.name); err != nil {
		return err
	}
	return f.file.sync()
}

func (f hookedFile) lock(how int) error {
	verb := map[int]string{syscall.LOCK_EX | syscall.LOCK_NB: "try ", syscall.LOCK_EX: "wait for ", syscall.LOCK_UN: "unlock "}[how]
	if err := f.hook(verb + f.name); err != nil {
		return err
	}
	return f.file.lock(how)
}

func (f hookedFile) Close() error { return errors.Join(f.hook("close "+f.name), f.file.Close()) }

// openHooked opens a store in dir that calls the hook.
func openHooked(t *testing.T, dir string, hook func(what string) error) *Store {
	t.Helper()
	s, err := openStore(dir, Options{}, func(dir string) (folder, error) {
		f, err := openDiskFolder(dir)
		if err != nil {
			return nil, err
		}
		return hooked{f, hook}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func unhooked(string) error { return nil }
