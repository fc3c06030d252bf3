package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"chant/storage"
)

// roleVar names the role in which a test has started this program again: as a process
// that holds a lock and can be killed.
const roleVar = "STORAGE_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role, os.Args[1], os.Args[2:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// play plays a role until its standard input ends.
func play(role, dir string, args []string) error {
	if act, ok := storeRoles[role]; ok {
		return act(dir, args)
	}
	switch role {
	case "holder":
		release, err := storage.Lock(context.Background(), dir, "002", holder(os.Getpid()))
		if err != nil {
			return err
		}
		fmt.Println(os.Getpid())
		_, err = io.Copy(io.Discard, os.Stdin)
		return errors.Join(err, release())
	case "parent": // holds the lock, and then starts a child that outlives it
		if _, err := storage.Lock(context.Background(), dir, "002", holder(os.Getpid())); err != nil {
			return err
		}
		child := exec.CommandContext(context.Background(), os.Args[0], dir)
		child.Env = append(os.Environ(), roleVar+"=child")
		child.Stdin, child.Stdout = os.Stdin, os.Stdout
		return child.Run()
	case "child":
		fmt.Println(os.Getppid())
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	}
	return errors.New("unknown role " + role)
}

func holder(pid int) storage.Holder {
	return storage.Holder{PID: pid, Host: "host", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Command: "chant run"}
}

// process is a process of this program with a role.
type process struct {
	*exec.Cmd
	pid int // of the lock's holder
	in  io.WriteCloser
	out *bufio.Reader
}

// start returns when the process has printed that it holds the lock.
func start(t *testing.T, role, dir string) process {
	t.Helper()
	p := launch(t, role, dir)
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if p.pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	return p
}

func launch(t *testing.T, role, dir string, args ...string) process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, append([]string{dir}, args...)...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return process{Cmd: cmd, in: in, out: bufio.NewReader(out)}
}
