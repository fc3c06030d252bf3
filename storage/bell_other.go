//go:build !linux

package storage

import (
	"errors"
	"os"
)

// bell is what processes wait for to share a sync. Here there is none, and each
// syncs for itself.
type bell struct{}

func newBell(*os.File) (*bell, error) { return nil, errors.ErrUnsupported }

func (*bell) wait(uint32) bool { return false }
func (*bell) ring()            {}
func (*bell) close() error     { return nil }
