package process

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAwaitExit: with and without a pidfd the end is seen and the status left to
// be taken, and a command that nothing can end is not awaited for ever.
func TestAwaitExit(t *testing.T) {
	t.Parallel()
	for _, pidfd := range []bool{true, false} {
		t.Run(fmt.Sprintf("pidfd %v", pidfd), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "sh", "-c", "read go; exit 9")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			fd := -1
			if pidfd {
				if fd, err = unix.PidfdOpen(cmd.Process.Pid, 0); err != nil {
					t.Fatal(err)
				}
				defer unix.Close(fd)
			}
			tr := &tree{cmd: cmd, pid: cmd.Process.Pid, streams: &streams{}, abandoned: make(chan struct{})}
			await := func() error { return awaitExit(tr, int32(fd), time.Millisecond, 0, nil) }
			close(tr.abandoned)
			if err := await(); err == nil || !strings.Contains(err.Error(), "still there") {
				t.Errorf("error %v of a command that was abandoned", err)
			}
			tr.abandoned = nil
			if _, err := io.WriteString(in, "go\n"); err != nil {
				t.Fatal(err)
			}
			if err := await(); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 9 {
				t.Errorf("the status is gone: %v", err)
			}
		})
	}
}

// TestOnOwnThread: whatever thread the caller is in, it is another than the main
// one.
func TestOnOwnThread(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			onOwnThread(func() {
				if unix.Gettid() == os.Getpid() {
					t.Error("the main thread")
				}
			})
		})
	}
	wg.Wait()
}
