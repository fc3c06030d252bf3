package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"chant/runner/process"
)

// dialogue is a running git that takes commands, one a line, until its stdin
// ends.
type dialogue struct {
	repo   *Repo
	call   call
	cmd    *exec.Cmd
	in     io.WriteCloser
	stdout io.Closer
	out    *bufio.Reader // reads stdout
	stderr bytes.Buffer
}

// converse starts git.
func (r *Repo) converse(c call) (d *dialogue, err error) {
	defer wrap(&err, "git "+c.args[0])
	d = &dialogue{repo: r, call: c}
	if d.cmd, err = r.command(c); err != nil {
		return nil, err
	}
	d.cmd.Stderr = &d.stderr
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.stdout, d.out = out, bufio.NewReaderSize(out, 64<<10)
	return d, process.StartAside(d.cmd)
}

// say sends a command.
func (d *dialogue) say(command string) error {
	_, err := io.WriteString(d.in, command+"\n")
	return err
}

// ask sends a command and reads git's line about it.
func (d *dialogue) ask(command string) (answer string, err error) {
	if err := d.say(command); err != nil {
		return "", err
	}
	return d.out.ReadString('\n')
}

// end ends git. err is what has gone wrong before, if anything; git's own reason
// is returned instead where it has given one.
func (d *dialogue) end(err error) error {
	closed := d.in.Close()
	_ = d.stdout.Close() // git may still write what nobody reads
	waited := d.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](waited); ok && d.stderr.Len() > 0 {
		return d.repo.failure(d.call, exit.ExitCode(), d.stderr.String())
	}
	if err = errors.Join(err, closed, waited); err != nil {
		return fmt.Errorf("git %s: %w", d.call.args[0], err)
	}
	return nil
}
