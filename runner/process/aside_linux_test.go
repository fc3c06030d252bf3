package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// init runs startAside for TestStartAside.
func init() { //nolint:gochecknoinits // only here is it certainly the main thread
	if os.Getenv(childEnv) != "aside" {
		return
	}
	runtime.LockOSThread()
	if err := startAside(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestStartAside: a child in a session of its own keeps running and keeps its exit
// status, though it is started from the thread that gets the orphans.
func TestStartAside(t *testing.T) {
	t.Parallel()
	c := shell(t, "")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(c.Env, childEnv+"=aside")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// startAside is the child program of TestStartAside.
func startAside() error {
	s, err := New(time.Now)
	if err != nil {
		return err
	}
	aside := func(script string) *exec.Cmd {
		cmd := exec.CommandContext(context.Background(), "sh", "-c", script)
		cmd.Env = os.Environ()
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return cmd
	}
	dead := aside(`exit 9`)
	alive := aside(`read go; exit 9`)
	in, err := alive.StdinPipe()
	if err := errors.Join(err, StartAside(dead), StartAside(alive)); err != nil {
		return err
	}
	if err := unix.Waitid(unix.P_PID, dead.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		return err
	}
	c := Command{Argv: []string{"sh", "-c", "setsid sleep 1000 &"}, Dir: "/", Env: os.Environ()}
	if res := s.Run(context.Background(), c); res.Err != nil || res.Left != 1 {
		return fmt.Errorf("result %+v, want one process left", res)
	}
	if err := in.Close(); err != nil {
		return err
	}
	for _, cmd := range []*exec.Cmd{dead, alive} {
		exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
		if !ok || exit.ExitCode() != 9 {
			return fmt.Errorf("%v: %v, want exit status 9", cmd.Args, exit)
		}
	}
	return nil
}
