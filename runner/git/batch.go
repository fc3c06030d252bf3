package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
)

// batch reads objects by one git cat-file --batch, started at the first read.
// In a partial clone it fetches what is missing.
type batch struct {
	repo   *Repo
	cmd    *exec.Cmd // nil while none runs
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// read returns an object; errNoObject where there is none. An error other than
// that ends the process, and the next read starts another.
func (b *batch) read(id Hash) (plumbing.ObjectType, []byte, error) {
	if b.cmd == nil {
		if err := b.start(); err != nil {
			return 0, nil, fmt.Errorf("git cat-file: %w", err)
		}
	}
	kind, data, err := b.ask(id)
	if err != nil && !errors.Is(err, errNoObject) {
		err = b.abandon(err)
	}
	return kind, data, err
}

func (b *batch) start() (err error) {
	cmd, err := b.repo.command(call{args: []string{"cat-file", "--batch"}, fetches: true})
	if err != nil {
		return err
	}
	b.stderr.Reset()
	cmd.Stderr = &b.stderr
	if b.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	b.cmd, b.out = cmd, bufio.NewReaderSize(out, 64<<10)
	return cmd.Start()
}

// ask requests an object and reads "<id> <type> <size>\n<content>\n".
func (b *batch) ask(id Hash) (plumbing.ObjectType, []byte, error) {
	if _, err := io.WriteString(b.in, string(id)+"\n"); err != nil {
		return 0, nil, err
	}
	line, err := b.out.ReadString('\n')
	if err != nil {
		return 0, nil, err
	}
	fields := strings.Fields(line)
	if len(fields) == 2 && (fields[1] == "missing" || fields[1] == "ambiguous") {
		return 0, nil, errNoObject
	}
	if len(fields) != 3 {
		return 0, nil, fmt.Errorf("it said %q", line)
	}
	kind, errKind := plumbing.ParseObjectType(fields[1])
	size, errSize := strconv.ParseInt(fields[2], 10, 64)
	if err := errors.Join(errKind, errSize); err != nil {
		return 0, nil, fmt.Errorf("it said %q: %w", line, err)
	}
	data := make([]byte, size+1) // with the newline at its end
	if _, err := io.ReadFull(b.out, data); err != nil {
		return 0, nil, err
	}
	if fields[0] != string(id) { // it was taken for a shortened name
		return 0, nil, errNoObject
	}
	return kind, data[:size], nil
}

// abandon ends a process that can't be used any more, and returns git's own
// reason where there is one.
func (b *batch) abandon(err error) error {
	if b.cmd.Process != nil {
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGTERM) // it may have ended already
	}
	err = errors.Join(err, b.close())
	if reason := tellingLine(b.stderr.String()); reason != "" {
		return &CommandError{Command: "cat-file", Code: fatal, Message: reason}
	}
	return fmt.Errorf("git cat-file: %w", err)
}

// close ends the process. Nothing is lost by an end that isn't clean.
func (b *batch) close() error {
	if b.cmd == nil {
		return nil
	}
	err := b.in.Close()
	wait := b.cmd.Wait()
	b.cmd = nil
	if _, failed := errors.AsType[*exec.ExitError](wait); failed {
		wait = nil
	}
	return errors.Join(err, wait)
}
