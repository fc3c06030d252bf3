package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// pack is an open pack. Another git that removes it does no harm. Goroutines
// may share it.
type pack struct {
	name  string // of the index file
	index *packIndex
	file  *os.File
	size  int64
	sound bool // the index was verified; guarded by the folders' lock
}

// unreadPack is the index file of a pack that wasn't opened yet.
type unreadPack struct {
	name    string
	written time.Time
}

// unreadPacks lists the index files in a folder, which needn't exist.
func unreadPacks(dir string) ([]unreadPack, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []unreadPack
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".idx" {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // another git removed it just now
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, unreadPack{filepath.Join(dir, e.Name()), info.ModTime()})
	}
	return found, nil
}

// openPack opens the pack of an index file. The error is fs.ErrNotExist where
// one of the two is gone.
func openPack(name string) (p *pack, err error) {
	file, err := os.Open(strings.TrimSuffix(name, ".idx") + ".pack")
	if err != nil {
		return nil, err
	}
	p = &pack{name: name, file: file}
	info, err := file.Stat()
	if err == nil {
		p.size = info.Size()
		p.index, err = openPackIndex(name)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return p, nil
}

// Close closes the two files.
func (p *pack) Close() error { return errors.Join(p.index.Close(), p.file.Close()) }

// find looks for an object; errNoObject where the pack hasn't got it.
func (p *pack) find(id Hash) (location, error) {
	offset, err := p.index.find(id.plumb())
	return location{pack: p, offset: offset}, err
}
