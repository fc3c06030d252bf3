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

// catFile reads objects by one git cat-file --batch, started at the first read.
// In a partial clone it fetches what is missing.
type catFile struct {
	repo   *Repo
	cmd    *exec.Cmd // nil while none runs
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// read returns an object; errNoObject where there is none. An error other than
// that ends the process, and the next read starts another.
func (c *catFile) read(id Hash) (plumbing.ObjectType, []byte, error) {
	if c.cmd == nil {
		if err := c.start(); err != nil {
			return 0, nil, fmt.Errorf("git cat-file: %w", err)
		}
	}
	kind, data, err := c.ask(id)
	if err != nil && !errors.Is(err, errNoObject) {
		err = c.abandon(err)
	}
	return kind, data, err
}

func (c *catFile) start() (err error) {
	cmd, err := c.repo.command(call{args: []string{"cat-file", "--batch"}, fetches: true})
	if err != nil {
		return err
	}
	c.stderr.Reset()
	cmd.Stderr = &c.stderr
	if c.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.cmd, c.out = cmd, bufio.NewReaderSize(out, 64<<10)
	return nil
}

// ask requests an object and reads "<id> <type> <size>\n<content>\n".
func (c *catFile) ask(id Hash) (plumbing.ObjectType, []byte, error) {
	if _, err := io.WriteString(c.in, string(id)+"\n"); err != nil {
		return 0, nil, err
	}
	line, err := c.out.ReadString('\n')
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
	var data bytes.Buffer
	if _, err := io.CopyN(&data, c.out, size+1); err != nil { // with the newline at its end
		return 0, nil, err
	}
	if fields[0] != string(id) { // it was taken for a shortened name
		return 0, nil, errNoObject
	}
	return kind, data.Bytes()[:size], nil
}

// abandon ends a process that can't be used any more, and returns git's own
// reason where there is one.
func (c *catFile) abandon(err error) error {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGTERM) // it may have ended already
	err = errors.Join(err, c.close())
	if reason := tellingLine(c.stderr.String()); reason != "" {
		return &CommandError{Command: "cat-file", Code: fatal, Message: reason}
	}
	return fmt.Errorf("git cat-file: %w", err)
}

// close ends the process. Nothing is lost by an end that isn't clean.
func (c *catFile) close() error {
	if c.cmd == nil {
		return nil
	}
	err := c.in.Close()
	wait := c.cmd.Wait()
	c.cmd = nil
	if _, failed := errors.AsType[*exec.ExitError](wait); failed {
		wait = nil
	}
	return errors.Join(err, wait)
}
