//go:build !linux

package storage

import (
	"errors"
	"os"
)

// futexWaker does not exist on this system: every process syncs for itself.
type futexWaker struct{}

func newFutexWaker(*os.File) (*futexWaker, error) { return nil, errors.ErrUnsupported }

func (*futexWaker) wait(uint32) bool { return false }
func (*futexWaker) wake()            {}
func (*futexWaker) close() error     { return nil }
