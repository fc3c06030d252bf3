//go:build unix && !linux

package sandbox

import "errors"

// version returns 0: only Linux has Landlock.
func version() int { return 0 }

func restrict([]string) error { return errors.ErrUnsupported }

func become(string, []string, []string) error { return errors.ErrUnsupported }
