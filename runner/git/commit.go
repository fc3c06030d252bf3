package git

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/object"

	gitconfig "chant/runner/git/config"
)

// CommitRequest says what to commit.
type CommitRequest struct {
	// Paths are the files, slash-separated and from the top of the work tree:
	// one that is there is committed as it is, one that isn't is deleted.
	Paths []string
	// Message gets exactly one newline at its end.
	Message string
	// Notice, unless nil, is told which back end commits and why, such as
	// "committing by git: there is a pre-commit hook". It may be called again
	// where another writer made a second try necessary.
	Notice func(text string)
}

// backend is a way to make a commit.
type backend int

const (
	native backend = iota // by this package alone
	byGit                 // by git commit --only
)

// session is what one try to commit knows. It is made anew for every try:
// whatever fails with a LockedError or errChanged is tried again.
type session struct {
	paths   []string // clean, sorted, without duplicates
	message string   // with its newline
	notice  func(string)
	config  gitconfig.Config
	ids     identities

	symrefs []string // HEAD and the symbolic refs that it leads through; head.Ref is behind them
	head    Head
	parent  *object.Commit // nil where the branch has no commit yet
	index   indexFile
}

// Commit commits exactly the named paths, as they are in the work tree, onto
// HEAD, and gives the new commit's hash. All else that is staged or changed
// stays as it is; for the named paths the index then agrees with the commit.
//
// Where a repository needs what only git itself does (hooks, filters, unusual
// formats), git commit --only makes the commit; else git, where there is one,
// is asked for its configuration only.
// Commits of other processes are waited for and built upon, for up to about
// ten seconds. The index is changed before the branch: a kill in between
// leaves the paths staged, and the next Commit mends that. After an error
// index and branch are as before.
//
// The errors are those of Ready, ErrNothing, PathError, SigningError,
// LockedError and CommandError.
func (r *Repo) Commit(ctx context.Context, req CommitRequest) (Hash, error) {
	h, err := r.commitPaths(ctx, req)
	if err != nil {
		return "", fmt.Errorf("committing: %w", err)
	}
	return h, nil
}

func (r *Repo) commitPaths(ctx context.Context, req CommitRequest) (h Hash, err error) {
	message, err := cleanMessage(req.Message)
	if err != nil {
		return "", err
	}
	paths, err := cleanPaths(req.Paths)
	if err != nil {
		return "", err
	}
	err = r.persist(ctx, func() (err error) {
		s := &session{paths: paths, message: message, notice: req.Notice}
		h, err = r.try(ctx, s)
		return err
	})
	return h, err
}

// try makes the commit if nobody else is writing just now.
func (r *Repo) try(ctx context.Context, s *session) (Hash, error) {
	if err := r.look(ctx, s); err != nil {
		return "", err
	}
	if err := r.recover(); err != nil {
		return "", err
	}
	if err := r.refuse(ctx, s); err != nil {
		return "", err
	}
	by, why, err := r.choose(ctx, s)
	if err != nil {
		return "", err
	}
	if by == byGit {
		s.tell("committing by git: " + why)
		return r.commitByGit(ctx, s)
	}
	s.tell("committing natively")
	return r.commitNative(ctx, s)
}

func (s *session) tell(text string) {
	if s.notice != nil {
		s.notice(text)
	}
}

// look fills in what the repository is like now.
func (r *Repo) look(ctx context.Context, s *session) (err error) {
	if err := r.trusted(ctx); err != nil {
		return err
	}
	_, head, err := r.followHead()
	if err != nil {
		return err
	}
	if s.config, err = r.configuration(ctx, head); err != nil {
		return err
	}
	// Once more, as git took its time: the later it is read, the less often another
	// writer comes in between.
	if s.symrefs, s.head, err = r.followHead(); err != nil {
		return err
	}
	if s.head.Ref != head.Ref { // the configuration may be another's
		return errChanged
	}
	if s.ids, err = r.identities(s.config); err != nil {
		return err
	}
	if s.head.Commit != "" {
		if s.parent, err = r.commit(s.head.Commit); err != nil {
			return fmt.Errorf("the last commit can't be read (run git fsck; git fetch may bring it back): %w", err)
		}
	}
	s.index, err = r.readIndexFile()
	return err
}

// configuration reads git's configuration, by the git program where there is
// one: it knows where it looks for the system's.
func (r *Repo) configuration(ctx context.Context, head Head) (gitconfig.Config, error) {
	branch, _ := strings.CutPrefix(head.Ref, "refs/heads/")
	if head.Ref == "HEAD" {
		branch = ""
	}
	var run gitconfig.Runner
	if r.program != "" {
		run = func(args ...string) ([]byte, error) { return r.git(ctx, call{args: args, plain: true}) }
	}
	return gitconfig.Load(gitconfig.Places{
		GitDir: r.gitDir, CommonDir: r.common, WorkTree: r.top, Branch: branch, Env: r.base,
	}, run)
}

// cleanMessage gives a message that git would take.
func cleanMessage(message string) (string, error) {
	message = strings.TrimRight(message, " \t\r\n")
	if message == "" {
		return "", errors.New("the message is empty")
	}
	if strings.Contains(message, "\x00") {
		return "", errors.New("the message holds a zero byte")
	}
	return message + "\n", nil
}
