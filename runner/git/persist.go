package git

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// longest is the longest pause between two tries, less a millisecond. Busy programs
// leave a lock free for some milliseconds only.
const longest = 20 * time.Millisecond

// errChanged ends a try under which HEAD, the index or a file has moved.
var errChanged = errors.New("the repository keeps changing (try again when the other program is done)")

// persist repeats step while it fails with a LockedError or errChanged, until
// the pauses add up to r.patience. Only pauses count: a passphrase that takes
// a minute to type uses none of it up. Locks of git aren't queues, so the
// pauses are random.
func (r *Repo) persist(ctx context.Context, step func() error) error {
	for waited := time.Duration(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := step()
		_, locked := errors.AsType[*LockedError](err)
		if !locked && !errors.Is(err, errChanged) || waited >= r.patience {
			return err
		}
		pause := time.Millisecond + rand.N(longest)
		waited += pause
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(ctx.Err(), err)
		}
	}
}
