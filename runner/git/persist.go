package git

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// longest is the longest pause between two tries, less a millisecond. Busy
// programs leave a lock free for some milliseconds only.
const longest = 20 * time.Millisecond

// persist repeats step while it fails with an error that is worth another try,
// until the pauses add up to r.patience. Only pauses count: a passphrase that
// takes a minute to type uses none of it up. Locks of git aren't queues, so
// the pauses are random.
func (r *Repo) persist(ctx context.Context, again func(error) bool, step func() error) error {
	for waited := time.Duration(0); ; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		err := step()
		if !again(err) || waited >= r.patience {
			return err
		}
		pause := time.Millisecond + rand.N(longest)
		waited += pause
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// locked reports whether another program held a lock.
func locked(err error) bool {
	_, ok := errors.AsType[*LockedError](err)
	return ok
}

// overtaken reports whether another writer was in the way.
func overtaken(err error) bool { return locked(err) || errors.Is(err, ErrHeadMoved) }
