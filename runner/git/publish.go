package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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
	return d.repo.persist(ctx, locked, func() error { return d.publish(ctx) })
}

func (d *Draft) publish(ctx context.Context) (err error) {
	defer wrap(&err, "publishing the commit")
	if len(d.subjects) == 0 {
		return ErrNothing
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what follows takes no time
	reason := "commit: "
	if d.head.Commit == "" {
		reason = "commit (initial): "
	}
	update, err := d.repo.converse(call{
		args: []string{"update-ref", "-m", reason + strings.Join(d.subjects, "; "), "--stdin"}, writes: true,
	})
	if err != nil {
		return err
	}
	_, err = update.ask("start")
	d.repo.at("started")
	if err == nil {
		err = update.say(fmt.Sprintf("update HEAD %s %s", d.tip, cmp.Or(d.head.Commit, zeros)))
		d.repo.at("queued")
	}
	if err == nil {
		_, err = update.ask("prepare")
		d.repo.at("prepared")
	}
	if err != nil {
		return d.moved(update.end(err))
	}
	err = d.stage(ctx)
	d.repo.at("index written")
	if err == nil {
		_, err = update.ask("commit")
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
			fmt.Fprintf(&gone, "0 %s\t%s\x00", zeros, p)
		} else {
			fmt.Fprintf(&there, "%s %s\t%s\x00", c.Mode, c.Hash, p)
		}
	}
	list, err := os.CreateTemp("", "chant-index-info-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, list.Close()) }()
	_, errWrite := list.WriteString(gone.String() + there.String())
	_, errSeek := list.Seek(0, io.SeekStart)
	if err := errors.Join(os.Remove(list.Name()), errWrite, errSeek); err != nil {
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
