package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// The older format kept each value in a file of its own, named after its key.

// legacyValues gives the values of the older format in key order, numbered from 1.
// Files that are not of its making are left out.
func legacyValues(f folder) ([]record, error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	var values []record
	for _, name := range names {
		encoded, ok := strings.CutSuffix(name, valueSuffix)
		if !ok {
			continue
		}
		key, ok := decodeKey(encoded)
		if !ok {
			continue
		}
		value, err := readWhole(f, name)
		if errors.Is(err, errNotRegular) || errors.Is(err, fs.ErrNotExist) {
			continue // a stranger's, or removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		values = append(values, record{kind: put, key: key, value: value})
	}
	slices.SortFunc(values, func(a, b record) int { return strings.Compare(a.key, b.key) })
	for i := range values {
		values[i].version = Version(i + 1)
	}
	return values, nil
}

func readWhole(f folder, name string) ([]byte, error) {
	file, err := f.open(name, reading)
	if err != nil {
		return nil, err
	}
	size, _, err := file.stat()
	if err == nil && size > MaxValue {
		err = fmt.Errorf("%s: %w", name, ErrTooLarge)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	data := make([]byte, size)
	n, err := file.ReadAt(data, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data[:n], errors.Join(err, file.Close())
}

// legacyGeneration is a log in memory that holds the values: what is read until
// the first write takes them over.
func legacyGeneration(values []record) (*generation, error) {
	var data []byte
	at, prev := int64(logStart), uint32(0)
	for _, r := range values {
		data, prev = appendRecord(data, r, 0, at, prev)
		at = logStart + int64(len(data))
	}
	g := emptyGeneration()
	g.file = memoryFile{bytes.NewReader(append(make([]byte, logStart), data...))}
	_, err := g.catchUp(false)
	return g, err
}

// memoryFile is a file that can only be read.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) WriteAt([]byte, int64) (int, error) { return 0, ErrReadOnly }
func (memoryFile) Truncate(int64) error               { return ErrReadOnly }
func (memoryFile) sync() error                        { return nil }
func (memoryFile) Close() error                       { return nil }
func (memoryFile) identity() (os.FileInfo, error)     { return nil, ErrReadOnly }
func (memoryFile) lock(int) error                     { return ErrReadOnly }
func (memoryFile) bell() (*bell, error)               { return nil, ErrReadOnly }

func (f memoryFile) stat() (size int64, named bool, err error) { return f.Size(), true, nil }
