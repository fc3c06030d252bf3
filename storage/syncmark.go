package storage

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
)

// Beside each log lies the file of its sync mark. It says how many bytes of the log are
// known to be on the disk. This is a lower bound: the file may lag behind, go back or
// be lost, by a power loss or when processes write it at the same time. Records carry
// the number too.
//
//	 0  8  synced: so many bytes of the log are on the disk
//	 8  4  sum of synced, with the generation as its position (see sumAt in record.go)
//	16  8  the log's salt, if the log's name is durable and no older log is left
//	32  4  a number that changes each time somebody has synced for all (groupsync.go)
//	64  8  the log's salt, if a sync of the log has failed
//
// The file is never synced: a failed sync is about what the kernel has in memory, and
// after a power loss it does not matter any more.
const (
	markSize      = 72
	nameDurableAt = 16
	wordAt        = 32
	poisonedAt    = 64
)

// syncMark is the open file of a sync mark.
type syncMark struct {
	file       file // nil if there is none
	salt       uint64
	generation uint64
}

// openSyncMark opens the sync mark of a log. If create is set, it creates a missing file.
func openSyncMark(f folder, h header, create bool) (syncMark, error) {
	m := syncMark{salt: h.salt, generation: h.generation}
	how := reading
	if create {
		how = creating
	}
	var err error
	m.file, err = f.open(markName(h.generation), how)
	if !create && errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	return m, err
}

func (m syncMark) sum(synced int64) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(synced))
	return sumAt(m.salt, int64(m.generation), b[:])
}

// syncState is the content of a sync mark.
type syncState struct {
	synced      int64 // 0 if unknown
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

// allocate gives the file its full size, so that a failure can be recorded even if the
// disk is full.
func (m syncMark) allocate() error {
	size, _, err := m.file.stat()
	if err != nil || size >= markSize {
		return err
	}
	_, err = m.file.WriteAt(make([]byte, markSize-size), size)
	return err
}

// poison records that a sync has failed. Every process then refuses to use the log.
func (m syncMark) poison() error { return m.flag(poisonedAt) }

// setNameDurable records that the log was tidied up, so that others need not do it.
func (m syncMark) setNameDurable() error { return m.flag(nameDurableAt) }

// setWord changes the word on which others sleep until a sync is done.
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
