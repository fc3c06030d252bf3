package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// chunk is the maximum size of output that is held at a time, in bytes.
const chunk = 16 << 10

// errHeldOpen is returned if output may be missing.
var errHeldOpen = errors.New("the pipe is still open somewhere outside the command's process tree")

// streams are the pipes between a command and its caller. They are not made by exec.Cmd,
// because that would wait for them forever.
type streams struct {
	childIn *os.File // the command's end
	in      *os.File // this process's end; nil if there is no pipe
	source  io.Reader
	fed     chan error
	outlets []*outlet
}

// outlet is a pipe for output.
type outlet struct {
	childOut, out *os.File // the command's end and this process's
	sink          io.Writer
	drained       chan error
}

// connect sets the standard streams of cmd as c says.
func connect(cmd *exec.Cmd, c Command) (*streams, error) {
	s := &streams{source: c.Stdin, fed: make(chan error, 1)}
	err := s.open(cmd, c)
	if err != nil {
		s.abandon()
	}
	return s, err
}

func (s *streams) open(cmd *exec.Cmd, c Command) (err error) {
	if c.Stdin != nil {
		if s.childIn, s.in, err = os.Pipe(); err != nil {
			return err
		}
		cmd.Stdin = s.childIn
	}
	if c.Output != nil {
		stdout, err := s.outlet(c.Output)
		if err != nil {
			return err
		}
		cmd.Stdout, cmd.Stderr = stdout, stdout
	}
	if c.Errors != nil {
		stderr, err := s.outlet(c.Errors)
		if err != nil {
			return err
		}
		cmd.Stderr = stderr
	}
	return nil
}

// outlet opens a pipe to sink and returns the command's end.
func (s *streams) outlet(sink io.Writer) (*os.File, error) {
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.outlets = append(s.outlets, &outlet{childOut: childOut, out: out, sink: sink, drained: make(chan error, 1)})
	return childOut, nil
}

// abandon closes all ends.
func (s *streams) abandon() {
	closeAll(s.childIn, s.in)
	for _, o := range s.outlets {
		closeAll(o.childOut, o.out)
	}
}

// run starts to feed and drain the command, which has its own ends of the pipes now.
func (s *streams) run() {
	closeAll(s.childIn)
	if s.in != nil {
		go func() { s.fed <- s.feed() }()
	}
	for _, o := range s.outlets {
		closeAll(o.childOut)
		go func() { o.drained <- o.drain() }()
	}
}

// feed writes the source to the command. It is no error if the command does not read its
// input to the end.
func (s *streams) feed() error {
	_, err := io.Copy(s.in, s.source)
	closeErr := s.in.Close()
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	if err == nil && !errors.Is(closeErr, os.ErrClosed) {
		err = closeErr
	}
	return wrap("feeding standard input", err)
}

// drain copies the output to the sink until all writers are gone. After an error of the
// sink it still reads, so that the command never blocks on a full pipe, and returns the
// error at the end.
func (o *outlet) drain() error {
	buf := make([]byte, chunk)
	var sinkErr error
	for {
		n, err := o.out.Read(buf)
		if n > 0 && sinkErr == nil {
			_, sinkErr = o.sink.Write(buf[:n])
		}
		if err == io.EOF {
			return wrap("writing output", sinkErr)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = errHeldOpen
		}
		if err != nil {
			return errors.Join(wrap("writing output", sinkErr), wrap("reading output", err))
		}
	}
}

// finish waits until all output is delivered. The tree is dead already, so only a foreign
// process that got a pipe can have it open. Patience is the longest wait.
func (s *streams) finish(patience time.Duration) error {
	var errs []error
	if s.in != nil {
		closeAll(s.in) // ends a feed that waits for a reader
		errs = append(errs, <-s.fed)
	}
	over := make(chan struct{})
	timer := time.AfterFunc(patience, func() { close(over) })
	defer timer.Stop()
	for _, o := range s.outlets {
		errs = append(errs, o.finish(over))
	}
	return errors.Join(errs...)
}

// finish waits until the output is delivered or the time is over.
func (o *outlet) finish(over <-chan struct{}) error {
	select {
	case err := <-o.drained:
		closeAll(o.out)
		return err
	case <-over:
	}
	if err := o.out.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return wrap("leaving the output pipe", err)
	}
	err := <-o.drained
	closeAll(o.out)
	return err
}

// closeAll closes ends of pipes. It ignores errors, because no data can be lost.
func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
