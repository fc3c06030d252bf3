package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mainThreadEnv makes the test binary a child that talks to git; see TestMain.
const mainThreadEnv = "CHANT_TEST_MAIN_THREAD"

// TestAside: no git is a child of the main thread, though it is started there. Such
// children are orphans to a Supervisor, which ends them with a command.
func TestAside(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Dir, cmd.Env = c.dir, append([]string{mainThreadEnv + "=" + c.dir}, c.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// talkOnMainThread is the child program of TestAside.
func talkOnMainThread(dir string) error {
	r, err := Open(dir, os.Environ())
	if err != nil {
		return err
	}
	d, err := r.converse(call{args: []string{"cat-file", "--batch"}})
	if err != nil {
		return err
	}
	self := strconv.Itoa(os.Getpid())
	children, err := os.ReadFile("/proc/self/task/" + self + "/children")
	if errors.Is(err, fs.ErrNotExist) { // not Linux, or without such lists
		err = nil
	}
	if slices.Contains(strings.Fields(string(children)), strconv.Itoa(d.cmd.Process.Pid)) {
		err = fmt.Errorf("git is a child of the main thread")
	}
	return d.end(err)
}
