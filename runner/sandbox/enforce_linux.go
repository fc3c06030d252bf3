package sandbox

import (
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// version returns the kernel's version of Landlock, 0 if it has none.
func version() int {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return abi
}

// restrict lets this process, and all that it becomes or starts, change only what is below
// the folders, and devices that keep nothing. It is one ruleset, because two would deny
// every move between folders.
func restrict(write []string) error {
	abi := version()
	rights := []landlock.AccessFSSet{0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff} // by ABI; see landlock(7)
	config := landlock.Config{HandledAccessFS: rights[min(abi, len(rights)-1)]}
	if abi >= abiSignals {
		config.Scoped = ll.ScopeAbstractUnixSocket | ll.ScopeSignal
	}
	return config.Restrict(
		landlock.RODirs("/"),
		landlock.RWDirs(write...).WithRefer(),
		landlock.RWFiles("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty").IgnoreIfMissing(),
	)
}

// become replaces this process.
func become(path string, argv, env []string) error {
	return fmt.Errorf("starting %s: %w", path, unix.Exec(path, argv, env))
}
