package storage

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
)

// draft is a new log that is written under another name. It gets its own name when it is
// complete and on the disk.
type draft struct {
	folder folder
	file   file
	name   string
	header header
	at     int64 // the offset of buf in the file
	buf    []byte
	prev   uint32
}

// writeDraft calls write with a new draft, which write has to fill, complete and rename.
// If write fails, the draft is removed.
func writeDraft(f folder, generation uint64, suffix string, write func(d *draft) error) error {
	name := generationName(generation, suffix)
	file, err := f.open(name, truncating)
	if err != nil {
		return err
	}
	var salt [8]byte
	rand.Read(salt[:]) // never fails
	h := header{generation: generation, salt: binary.LittleEndian.Uint64(salt[:])}
	d := &draft{folder: f, file: file, name: name, header: h, at: logStart}
	if err := write(d); err != nil {
		return errors.Join(err, d.discard())
	}
	return nil
}

// add appends a record. Its version must be higher than that of the last one.
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

// sync makes all that was added so far durable, under the draft's name.
func (d *draft) sync() error {
	if err := d.flush(); err != nil {
		return err
	}
	return d.file.sync()
}

// complete writes the header and syncs. New records get versions above base.
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

// rename gives the log its own name, durably.
func (d *draft) rename() error {
	if err := d.folder.rename(d.name, logName(d.header.generation)); err != nil {
		return err
	}
	return errors.Join(d.folder.sync(), d.file.Close())
}

// discard removes the draft, even if rename has failed half-way.
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
