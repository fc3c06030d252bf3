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

	"github.com/go-git/go-git/v5/plumbing"
)

// Draft makes commits upon HEAD that become visible all at once, when Publish
// moves the branch. Until then it makes objects only. It serves one goroutine.
type Draft struct {
	repo              *Repo
	head              Head
	author, committer string // with dates, as commits hold them
	signs             bool   // commits are signed
	encodes           bool   // commits name an encoding
	tip               Hash   // the last commit; HEAD's before the first one
	subjects          []string
	contents          map[string]Content // what the commits put in, by path
}

// Draft begins to make commits upon HEAD as it is now. The error is a
// NeedsGitError where only git commit can make a commit, else one of those of
// Ready; locks are met by Publish, a damaged index by Store.
func (r *Repo) Draft(ctx context.Context) (*Draft, error) {
	d, err := r.draft(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing to commit: %w", err)
	}
	return d, nil
}

func (r *Repo) draft(ctx context.Context) (*Draft, error) {
	head, hooks, err := r.usable(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := r.settings(ctx)
	if err != nil {
		return nil, err
	}
	why, err := r.onlyGit(settings, hooks)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return nil, &NeedsGitError{Reason: why}
	}
	d := &Draft{
		repo: r, head: head, tip: head.Commit, contents: make(map[string]Content),
		signs: settings.on("commit.gpgsign"), encodes: settings["i18n.commitencoding"] != "",
	}
	if d.author, err = r.identity(ctx, "GIT_AUTHOR_IDENT"); err != nil {
		return nil, err
	}
	d.committer, err = r.identity(ctx, "GIT_COMMITTER_IDENT")
	return d, err
}

// restart forgets the commits and begins upon HEAD as it is now.
func (d *Draft) restart() (err error) {
	if err := d.repo.inProgress(); err != nil {
		return err
	}
	if d.head, err = d.repo.Head(); err != nil {
		return err
	}
	d.tip, d.subjects, d.contents = d.head.Commit, nil, make(map[string]Content)
	return nil
}

// Head returns what the first commit is made upon.
func (d *Draft) Head() Head { return d.head }

// Commit makes a commit upon the one before it, or upon Head, with contents
// put in as by WriteTree. It is signed where the configuration asks for that,
// which may take as long as somebody needs to type a passphrase. The error is
// ErrNothing where contents change nothing, and then the next commit is made
// upon the same one; a SigningError where it can't be signed.
func (d *Draft) Commit(ctx context.Context, contents []Content, message string) (Hash, error) {
	h, err := d.commit(ctx, contents, message)
	if err != nil {
		return "", fmt.Errorf("preparing a commit: %w", err)
	}
	return h, nil
}

func (d *Draft) commit(ctx context.Context, contents []Content, message string) (Hash, error) {
	message, err := cleanMessage(message)
	if err != nil {
		return "", err
	}
	var before Hash
	if d.tip != "" {
		if before, err = d.repo.Tree(d.tip); err != nil {
			return "", err
		}
	}
	tree, err := d.repo.writeTree(ctx, d.tip, contents, "")
	if err != nil {
		return "", err
	}
	if tree == before || before == "" && tree == emptyTree {
		return "", ErrNothing
	}
	d.repo.at("trees")
	next, err := d.object(ctx, tree, message)
	if err != nil {
		return "", err
	}
	d.repo.at("commit")
	for _, c := range contents {
		d.contents[c.Path] = c
	}
	first, _, _ := strings.Cut(message, "\n")
	d.subjects = append(d.subjects, first)
	d.tip = next
	return next, nil
}

// emptyTree is the tree without entries.
const emptyTree Hash = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// object writes the commit itself, by git where it is to be signed or to name
// an encoding. Else not by go-git's object.Commit, which writes the time zone
// -0030 as +0030.
func (d *Draft) object(ctx context.Context, tree Hash, message string) (Hash, error) {
	if d.signs || d.encodes {
		return d.objectByGit(ctx, tree, message)
	}
	parent := ""
	if d.tip != "" {
		parent = "parent " + string(d.tip) + "\n"
	}
	text := fmt.Sprintf("tree %s\n%sauthor %s\ncommitter %s\n\n%s", tree, parent, d.author, d.committer, message)
	return d.repo.write(d.repo.common, plumbing.CommitObject, []byte(text))
}

func (d *Draft) objectByGit(ctx context.Context, tree Hash, message string) (Hash, error) {
	args := []string{"commit-tree", "-F", "-"}
	if d.signs {
		args = append(args, "-S")
	}
	if d.tip != "" {
		args = append(args, "-p", string(d.tip))
	}
	out, err := d.repo.git(ctx, call{
		args: append(args, string(tree)), stdin: strings.NewReader(message), asUser: true, foreground: true,
	})
	if failed, ok := errors.AsType[*CommandError](err); ok && d.signs {
		return "", &SigningError{Message: failed.Message}
	}
	if err != nil {
		return "", err
	}
	h := Hash(strings.TrimSpace(string(out)))
	if !d.signs {
		return h, nil
	}
	data, err := d.repo.needed(plumbing.CommitObject, h)
	if err != nil {
		return "", err
	}
	if header, _, _ := strings.Cut(string(data), "\n\n"); !strings.Contains(header, "\ngpgsig") {
		return "", &SigningError{Message: "the program made no signature"}
	}
	return h, nil
}

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
	for _, says := range []string{"but expected", "already exists", "unable to resolve reference"} { // it may be back where it was
		if strings.Contains(failed.Message, says) {
			return fmt.Errorf("%w: %w", ErrHeadMoved, err)
		}
	}
	if errHead == nil && head != d.head {
		return fmt.Errorf("%w: %w", ErrHeadMoved, err)
	}
	return err
}

// stage puts the contents into the index, deletions first. Git gets them as a
// file, because it would take a part of them for all when chant is killed.
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

// refresh lets git look at the files once more, so that git diff-index, which
// does not look itself, takes them for unchanged. The commit is made, so it
// may fail: another program may hold the index.
func (d *Draft) refresh(ctx context.Context) {
	var there []string
	for p, c := range d.contents {
		if c.Mode != "" {
			there = append(there, p)
		}
	}
	if len(there) > 0 {
		args := []string{"add", "--refresh", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"}
		_, _ = d.repo.git(ctx, call{args: args, stdin: pathspecs(there), writes: true})
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

// end ends git, which undoes what it was not told to commit. Git's own reason
// comes before err, which is nil where all went well.
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
