package storage

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
)

// A mark file stands beside a log and says how much of it was once on the disk.
// It is a lower bound, and may lag, regress or be lost, with a power loss or
// between processes that write it at the same time; records carry the mark too.
//
//	 0  8  mark
//	 8  4  sum of the mark, with the generation for its place (see placed in record.go)
//	16  8  the log's salt, where the log's name is durable and no older log is left
//	32  4  another number each time that somebody has synced for all (together.go)
//	64  8  the log's salt, where a sync of the log has failed
//
// It is never synced: the failure that it tells of is about what the kernel holds
// in memory, and ends with it.
const (
	markSize   = 72
	namedAt    = 16
	rungAt     = 32
	poisonedAt = 64
)

type markFile struct {
	file       file // nil where there is none
	salt       uint64
	generation uint64
}

// openMark opens the mark of a log; a missing one is made where make is set.
func openMark(f folder, h header, make bool) (markFile, error) {
	m := markFile{salt: h.salt, generation: h.generation}
	how := reading
	if make {
		how = making
	}
	var err error
	m.file, err = f.open(markName(h.generation), how)
	if err != nil {
		m.file = nil
		if !make && errors.Is(err, fs.ErrNotExist) {
			return m, nil
		}
	}
	return m, err
}

func (m markFile) sum(mark int64) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(mark))
	return placed(m.salt, int64(m.generation), b[:])
}

// marked is what a mark file says.
type marked struct {
	mark     int64 // 0 where it is not known
	named    bool
	poisoned bool
	rung     uint32
}

func (m markFile) read() (marked, error) {
	if m.file == nil {
		return marked{}, nil
	}
	var b [markSize]byte
	if _, err := m.file.ReadAt(b[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return marked{}, err
	}
	now := marked{
		mark:     int64(binary.LittleEndian.Uint64(b[:])),
		named:    binary.LittleEndian.Uint64(b[namedAt:]) == m.salt,
		poisoned: binary.LittleEndian.Uint64(b[poisonedAt:]) == m.salt,
		rung:     binary.NativeEndian.Uint32(b[rungAt:]),
	}
	if binary.LittleEndian.Uint32(b[8:]) != m.sum(now.mark) {
		now.mark = 0
	}
	return now, nil
}

func (m markFile) write(mark int64) error {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[:], uint64(mark))
	binary.LittleEndian.PutUint32(b[8:], m.sum(mark))
	_, err := m.file.WriteAt(b[:], 0)
	return err
}

// lay gives the file its size, so that a full disk does not keep a failure from
// being told.
func (m markFile) lay() error {
	size, _, err := m.file.stat()
	if err != nil || size >= markSize {
		return err
	}
	_, err = m.file.WriteAt(make([]byte, markSize-size), size)
	return err
}

// poison makes every process refuse to go on with the log.
func (m markFile) poison() error { return m.flag(poisonedAt) }

// setNamed tells other processes that they need not tidy up.
func (m markFile) setNamed() error { return m.flag(namedAt) }

// ring changes the word that those who wait for a sync sleep on.
func (m markFile) ring(rung uint32) error {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], rung)
	_, err := m.file.WriteAt(b[:], rungAt)
	return err
}

func (m markFile) flag(at int64) error {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], m.salt)
	_, err := m.file.WriteAt(b[:], at)
	return err
}

func (m markFile) close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}
