package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
)

// gitObjects reads by one git cat-file --batch, started when it is first
// asked: for formats that only git reads, and for what a partial clone lacks.
type gitObjects struct {
	repo *Repo
	ctx  context.Context //nolint:containedctx // bounds the process, which outlives the call that starts it

	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *bytes.Buffer
}

func (o *gitObjects) read(id Hash) (plumbing.ObjectType, []byte, error) {
	kind, size, err := o.ask(id)
	if err != nil {
		return 0, nil, err
	}
	var data bytes.Buffer
	if _, err := o.content(&data, size); err != nil {
		return 0, nil, err
	}
	return kind, data.Bytes(), nil
}

func (o *gitObjects) copy(w io.Writer, id Hash) (int64, error) {
	_, size, err := o.ask(id)
	if err != nil {
		return 0, err
	}
	return o.content(w, size)
}

// Close ends the process. Nothing is lost by an end that isn't clean.
func (o *gitObjects) Close() error {
	if o.cmd == nil {
		return nil
	}
	err := o.in.Close()
	wait := o.cmd.Wait()
	o.cmd = nil
	if _, failed := errors.AsType[*exec.ExitError](wait); failed {
		wait = nil
	}
	return errors.Join(err, wait)
}

// start starts git. It must not take an object's replacement for the object.
func (o *gitObjects) start() (err error) {
	if o.repo.program == "" {
		return ErrNoGit
	}
	cmd := exec.CommandContext(o.ctx, o.repo.program, "cat-file", "--batch")
	cmd.Dir = o.repo.top
	cmd.Env = slices.Concat(o.repo.env, []string{"GIT_NO_REPLACE_OBJECTS=1"})
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// It may be fetching, and leaves nothing behind if it may end by itself.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	o.stderr = &bytes.Buffer{}
	cmd.Stderr = o.stderr
	if o.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	o.cmd, o.out = cmd, bufio.NewReaderSize(out, 64<<10)
	return nil
}

// ask requests an object, whose content then stands at o.out.
func (o *gitObjects) ask(id Hash) (plumbing.ObjectType, int64, error) {
	if !id.valid() { // git would take "HEAD", too
		return 0, 0, errNoObject
	}
	if o.cmd == nil {
		if err := o.start(); err != nil {
			return 0, 0, fmt.Errorf("git cat-file: %w", err)
		}
	}
	var line string
	_, err := io.WriteString(o.in, string(id)+"\n")
	if err == nil {
		line, err = o.out.ReadString('\n')
	}
	if err != nil {
		return 0, 0, o.broken(err)
	}
	fields := strings.Fields(line)
	if len(fields) == 2 && fields[1] == "missing" {
		return 0, 0, errNoObject
	}
	if len(fields) == 3 {
		kind, errKind := plumbing.ParseObjectType(fields[1])
		size, err := strconv.ParseInt(fields[2], 10, 64)
		if errKind == nil && err == nil {
			return kind, size, nil
		}
	}
	return 0, 0, o.broken(fmt.Errorf("it said %q", line))
}

// content writes the content that ask left, and eats the newline after it.
func (o *gitObjects) content(w io.Writer, size int64) (int64, error) {
	n, err := io.CopyN(w, o.out, size)
	if err == nil {
		_, err = o.out.Discard(1)
	}
	if err != nil {
		return n, o.broken(err)
	}
	return n, nil
}

// broken ends a process that can't be talked to any more, and gives git's own
// reason where there is one. The next question starts another.
func (o *gitObjects) broken(err error) error {
	// It may be in the middle of an answer that nobody reads. Wait has the
	// only interesting error.
	_ = o.cmd.Process.Signal(syscall.SIGTERM)
	if errClose := o.Close(); errClose != nil {
		err = errors.Join(err, errClose)
	}
	if o.ctx.Err() != nil {
		return o.ctx.Err()
	}
	if reason := tellingLine(o.stderr.String()); reason != "" {
		return &CommandError{Command: "cat-file", Code: -1, Message: reason}
	}
	return fmt.Errorf("git cat-file: %w", err)
}

// partialObjects reads a partial clone: what isn't there is asked of git,
// which fetches it.
type partialObjects struct {
	*nativeObjects
	git gitObjects
}

func (o *partialObjects) read(id Hash) (plumbing.ObjectType, []byte, error) {
	kind, data, err := o.nativeObjects.read(id)
	if errors.Is(err, errNoObject) {
		if kind, data, err = o.git.read(id); err != nil {
			err = promised(err)
		}
	}
	return kind, data, err
}

func (o *partialObjects) copy(w io.Writer, id Hash) (int64, error) {
	n, err := o.nativeObjects.copy(w, id)
	if errors.Is(err, errNoObject) {
		if n, err = o.git.copy(w, id); err != nil {
			err = promised(err)
		}
	}
	return n, err
}

// promised tells what a missing object of a partial clone means.
func promised(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrPromised, err)
}

// Close ends both ways of reading.
func (o *partialObjects) Close() error {
	return errors.Join(o.nativeObjects.Close(), o.git.Close())
}
