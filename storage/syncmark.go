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
//	 8  4  sum of the mark, with the generation for its place (see sumAt in record.go)
//	16  8  the log's salt, where the log's name is durable and no older log is left
//	32  4  another number each time that somebody has synced for all (groupsync.go)
//	64  8  the log's salt, where a sync of the log has failed
//
// It is never synced: the failure that it tells of is about what the kernel holds
// in memory, and ends with it.
const (
	markSize      = 72
	nameDurableAt = 16
	wordAt        = 32
	poisonedAt    = 64
)

type syncMark struct {
	file       file // nil where there is none
	salt       uint64
	generation uint64
}

// openSyncMark opens the mark of a log; a missing one is made where make is set.
func openSyncMark(f folder, h header, make bool) (syncMark, error) {
	m := syncMark{salt: h.salt, generation: h.generation}
	how := reading
	if make {
		how = creating
	}
	var err error
	m.file, err = f.open(markName(h.generation), how)
	if !make && errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	return m, err
}

func (m syncMark) sum(synced int64) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(synced))
	return sumAt(m.salt, int64(m.generation), b[:])
}

// syncState is what a mark file says.
type syncState struct {
	synced      int64 // 0 where it is not known
	nameDurable bool
	poisoned    bool
	word        uint32
}

func (m syncMark) read() (syncState, error) {
	if m.file == nil {
		return syncState{}, nil
	}
	var b [markSize]byte
	if _, err := m.file.ReadAt(b[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return syncState{}, err
	}
	now := syncState{
		synced:      int64(binary.LittleEndian.Uint64(b[:])),
		nameDurable: binary.LittleEndian.Uint64(b[nameDurableAt:]) == m.salt,
		poisoned:    binary.LittleEndian.Uint64(b[poisonedAt:]) == m.salt,
		word:        binary.NativeEndian.Uint32(b[wordAt:]),
	}
	if binary.LittleEndian.Uint32(b[8:]) != m.sum(now.synced) {
		now.synced = 0
	}
	return now, nil
}

func (m syncMark) write(synced int64) error {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[:], uint64(synced))
	binary.LittleEndian.PutUint32(b[8:], m.sum(synced))
	_, err := m.file.WriteAt(b[:], 0)
	return err
}

// allocate gives the file its size, so that a full disk does not keep a failure from
// being told.
func (m syncMark) allocate() error {
	size, _, err := m.file.stat()
	if err != nil || size >= markSize {
		return err
	}
	_, err = m.file.WriteAt(make([]byte, markSize-size), size)
	return err
}

// poison makes every process refuse to go on with the log.
func (m syncMark) poison() error { return m.flag(poisonedAt) }

// setNameDurable tells other processes that they need not tidy up.
func (m syncMark) setNameDurable() error { return m.flag(nameDurableAt) }

// setWord changes the word that those who wait for a sync sleep on.
func (m syncMark) setWord(word uint32) error {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], word)
	_, err := m.file.WriteAt(b[:], wordAt)
	return err
}

func (m syncMark) flag(at int64) error {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], m.salt)
	_, err := m.file.WriteAt(b[:], at)
	return err
}

func (m syncMark) close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}
