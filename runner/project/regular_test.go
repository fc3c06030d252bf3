package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestReadIn: what is no file of at most four bytes inside the root is refused, and nothing
// of it is read.
func TestReadIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, outside := filepath.Join(dir, "root"), filepath.Join(dir, "outside")
	for _, name := range []string{root, outside, filepath.Join(root, "sub")} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"root/small": "1234", "root/large": "12345", "outside/secret": "1234"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"file": "small", "up": "sub/../small", "chain": "file", "loop": "loop", "out": "../outside/secret",
		"absolute": filepath.Join(outside, "secret"), "folder": "../outside", "chain-out": "out", "zero": "/dev/zero",
	}
	errs := []error{syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600)}
	for name, to := range links {
		errs = append(errs, os.Symlink(to, filepath.Join(root, name)))
	}
	if err := errors.Join(append(errs, os.Truncate(filepath.Join(outside, "secret"), 4))...); err != nil {
		t.Fatal(err)
	}
	sparse, err := os.Create(filepath.Join(root, "sparse"))
	if err == nil {
		err = errors.Join(sparse.Truncate(20<<30), sparse.Close())
	}
	top, openErr := os.OpenRoot(root)
	if err = errors.Join(err, openErr); err != nil {
		t.Fatal(err)
	}
	defer top.Close()
	for name, want := range map[string]error{
		"small": nil, "file": nil, "up": nil, "chain": nil,
		"large": ErrTooLarge, "sparse": ErrTooLarge,
		"out": ErrOutside, "absolute": ErrOutside, "folder/secret": ErrOutside, "chain-out": ErrOutside,
		"zero": ErrOutside, "../outside/secret": ErrOutside, "sub/../../outside/secret": ErrOutside,
		"pipe": ErrNotRegular, "sub": syscall.EISDIR, "loop": syscall.ELOOP, "none": fs.ErrNotExist,
	} {
		data, err := ReadIn(top, name, 4)
		if !errors.Is(err, want) || (want == nil) != (string(data) == "1234") || want != nil && data != nil && len(data) > 0 {
			t.Errorf("%s: %q, error %v", name, data, err)
		}
	}
	// A device is no file, wherever it is.
	if _, err := ReadRegular("/dev/zero"); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a device: error %v", err)
	}
}

// TestReadWithoutSize: the size of a file of /proc is 0, however much there is to read.
func TestReadWithoutSize(t *testing.T) {
	t.Parallel()
	f, err := os.Open("/proc/self/maps")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no /proc here")
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readRegular(f, "maps", 100); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}
