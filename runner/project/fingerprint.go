package project

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Fingerprint returns a text that is different for every content and mode of a file, and ""
// if there is no file. For folders, such as submodules, and for special files it has the
// mode alone.
func Fingerprint(root *os.Root, at string) (string, error) {
	info, err := root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	mode := info.Mode().String()
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := root.Readlink(at)
		return mode + " " + target, err
	case !info.Mode().IsRegular():
		return mode, nil
	}
	f, err := root.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return mode + " " + hex.EncodeToString(sum.Sum(nil)), nil
}
