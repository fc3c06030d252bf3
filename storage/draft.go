package storage

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
)

// draft is a log that is being written under another name, and takes its own
// when it is whole and on the disk.
type draft struct {
	folder folder
	file   file
	name   string
	header header
	at     int64 // where buf will be written
	buf    []byte
	prev   uint32
}

// writeDraft lets write fill a draft of the next log, complete it and give it its name.
// If that fails, nothing of it is left.
func writeDraft(f folder, generation uint64, suffix string, write func(d *draft) error) error {
	d, err := newDraft(f, generation, suffix)
	if err != nil {
		return err
	}
	if err := write(d); err != nil {
		return errors.Join(err, d.discard())
	}
	return nil
}

func newDraft(f folder, generation uint64, suffix string) (*draft, error) {
	var salt [8]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, err
	}
	name := generationName(generation, suffix)
	file, err := f.open(name, truncating)
	if err != nil {
		return nil, err
	}
	h := header{generation: generation, salt: binary.LittleEndian.Uint64(salt[:])}
	return &draft{folder: f, file: file, name: name, header: h, at: logStart}, nil
}

// add appends a record, whose version has to be higher than that of the last.
func (d *draft) add(r record) error {
	r.synced = 0
	d.buf, d.prev = appendRecord(d.buf, r, d.header.salt, d.end(), d.prev)
	if len(d.buf) < chunk {
		return nil
	}
	return d.flush()
}

func (d *draft) end() int64 { return d.at + int64(len(d.buf)) }

func (d *draft) flush() error {
	_, err := d.file.WriteAt(d.buf, d.at)
	d.at += int64(len(d.buf))
	d.buf = d.buf[:0]
	return err
}

// sync flushes and takes to the disk what there is so far.
func (d *draft) sync() error {
	if err := d.flush(); err != nil {
		return err
	}
	return d.file.sync()
}

// complete writes the header and syncs. No version up to base will be given again.
func (d *draft) complete(base Version) error {
	if err := d.flush(); err != nil {
		return err
	}
	d.header.base = base
	d.header.initial = d.at
	if _, err := d.file.WriteAt(d.header.encode(), 0); err != nil {
		return err
	}
	return d.file.sync()
}

// rename gives the log its name, durably.
func (d *draft) rename() error {
	if err := d.folder.rename(d.name, logName(d.header.generation)); err != nil {
		return err
	}
	return errors.Join(d.folder.sync(), d.file.Close())
}

// discard removes the draft, also where it has failed in the middle of rename.
func (d *draft) discard() error {
	err := d.file.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil
	}
	if removeErr := d.folder.remove(d.name); !errors.Is(removeErr, fs.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return err
}
