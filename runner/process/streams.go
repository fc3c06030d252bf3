package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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

// outlet is a pipe for output. It is not registered with Go's poller before begin, because
// every event in the poller wakes a thread, even if there was no output.
type outlet struct {
	childOut *os.File // the command's end
	fd       int      // this process's
	out      *os.File // fd as a file; nil before begin
	sink     io.Writer
	drained  chan error
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
	ends, err := pipe()
	if err != nil {
		return nil, os.NewSyscallError("pipe", err)
	}
	o := &outlet{childOut: os.NewFile(uintptr(ends[1]), "|1"), fd: ends[0], sink: sink, drained: make(chan error, 1)}
	s.outlets = append(s.outlets, o)
	return o.childOut, nil
}

// abandon closes all ends.
func (s *streams) abandon() {
	closeAll(s.childIn, s.in)
	for _, o := range s.outlets {
		closeAll(o.childOut)
		_ = unix.Close(o.fd)
	}
}

// handOver closes the command's ends of the pipes in this process, and starts to feed the
// command.
func (s *streams) handOver() {
	closeAll(s.childIn)
	if s.in != nil {
		go func() { s.fed <- s.feed() }()
	}
	for _, o := range s.outlets {
		closeAll(o.childOut)
	}
}

// begin starts to drain the outlet.
func (o *outlet) begin() {
	err := unix.SetNonblock(o.fd, true) // SetReadDeadline needs it
	o.out = os.NewFile(uintptr(o.fd), "|0")
	if err != nil {
		o.drained <- wrap("reading output", err)
		return
	}
	go func() { o.drained <- o.drain() }()
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
	for _, o := range s.outlets {
		errs = append(errs, o.finish(patience))
	}
	return errors.Join(errs...)
}

// finish waits until the output is delivered, but not longer than patience.
func (o *outlet) finish(patience time.Duration) error {
	if o.out == nil && o.spent() {
		_ = unix.Close(o.fd) // see closeAll
		return nil
	}
	if o.out == nil {
		o.begin()
	}
	defer closeAll(o.out)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-o.drained:
		return err
	case <-timer.C:
	}
	if err := o.out.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return wrap("leaving the output pipe", err)
	}
	return <-o.drained
}

// spent reports whether the pipe is empty and has no writers.
func (o *outlet) spent() bool {
	fds := []unix.PollFd{{Fd: int32(o.fd), Events: unix.POLLIN}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents == unix.POLLHUP
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
