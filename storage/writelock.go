package storage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// The lock is a file of its own: a value's file is replaced by every write, and a
// lock on the old one would keep nobody out.
const writeLockName = "lock"

// alone waits until no other writer, in this process or another, is at work on the
// store, and keeps them out until release. The error is that of ctx if it ends
// before. A process that dies keeps nobody out.
func (s *Store) alone(ctx context.Context) (release func() error, err error) {
	if s.opts.ReadOnly {
		return nil, ErrReadOnly
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	// NFS wants a lock's file open for writing.
	l := flock.New(filepath.Join(s.dir, writeLockName), flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o644))
	if _, err := l.TryLockContext(ctx, lockStep); err != nil {
		return nil, fmt.Errorf("waiting for other writers: %w", lockFailure(err))
	}
	return l.Unlock, nil
}
