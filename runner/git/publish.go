package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Publish makes the commits visible: the index gets their contents, and the
// branch moves, with one entry in its reflog that names all of them. Locks of
// other programs are waited for, up to about ten seconds.
//
// The branch is locked while the index is written, so a kill at any moment
// leaves either nothing, or the contents staged, or all of it; and no lock, as
// git gives up when its input ends. The error is ErrHeadMoved where HEAD isn't
// what Draft has read, ErrNothing where there is no commit, or a LockedError;
// after these nothing has changed.
func (d *Draft) Publish(ctx context.Context) error {
	if err := d.repo.persist(ctx, locked, func() error { return d.publish(ctx) }); err != nil {
		return fmt.Errorf("publishing the commit: %w", err)
	}
	return nil
}

func (d *Draft) publish(ctx context.Context) error {
	if len(d.subjects) == 0 {
		return ErrNothing
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what follows takes no time
	reason := "commit: "
	if d.head.Commit == "" {
		reason = "commit (initial): "
	}
	update, err := d.repo.updateRef(reason + strings.Join(d.subjects, "; "))
	if err != nil {
		return err
	}
	old := d.head.Commit
	if old == "" {
		old = Hash(strings.Repeat("0", sha1Digits))
	}
	err = update.say("start\n", 1)
	d.repo.at("started")
	if err == nil {
		err = update.say(fmt.Sprintf("update HEAD %s %s\n", d.tip, old), 0)
		d.repo.at("queued")
	}
	if err == nil {
		err = update.say("prepare\n", 1)
		d.repo.at("prepared")
	}
	if err != nil {
		return d.moved(update.end(err))
	}
	err = d.stage(ctx)
	d.repo.at("index written")
	if err == nil {
		err = update.say("commit\n", 1)
		d.repo.at("committed")
	}
	if err = update.end(err); err == nil {
		d.refresh(ctx)
	}
	return err
}

// moved makes ErrHeadMoved of a refusal to move HEAD.
func (d *Draft) moved(err error) error {
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || locked(err) {
		return err
	}
	head, errHead := d.repo.Head()
	moved := errHead == nil && head != d.head
	for _, says := range []string{"but expected", "already exists", "unable to resolve reference"} { // HEAD may be back where it was
		moved = moved || strings.Contains(failed.Message, says)
	}
	if moved {
		return fmt.Errorf("%w: %w", ErrHeadMoved, err)
	}
	return err
}

// stage puts the contents into the index, deletions first. Git gets them as a
// file: of a pipe it would take a part for all when chant is killed.
func (d *Draft) stage(ctx context.Context) (err error) {
	var gone, there strings.Builder
	for p, c := range d.contents {
		if c.Mode == "" {
			fmt.Fprintf(&gone, "0 %s\t%s\x00", strings.Repeat("0", sha1Digits), p)
		} else {
			fmt.Fprintf(&there, "%s %s\t%s\x00", c.Mode, c.Hash, p)
		}
	}
	list, err := os.CreateTemp("", "chant-index-info-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, list.Close()) }()
	if err := os.Remove(list.Name()); err != nil {
		return err
	}
	if _, err := list.WriteString(gone.String() + there.String()); err != nil {
		return err
	}
	if _, err := list.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = d.repo.git(ctx, call{args: []string{"update-index", "-z", "--index-info"}, stdin: list, writes: true})
	return err
}

// refresh lets git compare the files with the index once more. Without it, git
// diff-index, which scripts ask whether anything has changed, would say yes.
// It may fail, as the commit is made: another program may hold the index.
func (d *Draft) refresh(ctx context.Context) {
	var there []string
	for p, c := range d.contents {
		if c.Mode != "" {
			there = append(there, p)
		}
	}
	if len(there) > 0 {
		args := []string{"add", "--refresh", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"}
		_, _ = d.repo.git(ctx, call{args: args, stdin: pathspecs(there), asUser: true}) // it may run filters
	}
}

// refUpdate is a running git update-ref --stdin.
type refUpdate struct {
	repo   *Repo
	call   call
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr strings.Builder
}

func (r *Repo) updateRef(reason string) (*refUpdate, error) {
	u := &refUpdate{repo: r, call: call{args: []string{"update-ref", "-m", reason, "--stdin"}, writes: true}}
	cmd, err := r.command(u.call)
	if err != nil {
		return nil, err
	}
	u.cmd, cmd.Stderr = cmd, &u.stderr
	if u.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	u.out = bufio.NewReader(out)
	return u, cmd.Start()
}

// say sends a command and reads git's lines about it.
func (u *refUpdate) say(command string, lines int) error {
	if _, err := io.WriteString(u.in, command); err != nil {
		return err
	}
	for range lines {
		if _, err := u.out.ReadString('\n'); err != nil {
			return err
		}
	}
	return nil
}

// end ends git, which aborts a transaction that was not committed. err is what
// has gone wrong before, if anything; git's own reason is returned instead
// where git has failed.
func (u *refUpdate) end(err error) error {
	closed, waited := u.in.Close(), u.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](waited); ok {
		return u.repo.failure(u.call, exit.ExitCode(), u.stderr.String())
	}
	if err != nil {
		return err
	}
	return errors.Join(closed, waited)
}
