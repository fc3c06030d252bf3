package git

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Draft makes commits on top of HEAD that become visible all at once, when
// Publish moves the branch. Until then it makes objects only. It serves one goroutine.
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

// Draft begins to make commits on top of HEAD as it is now. The error is a
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

// restart forgets the commits and begins on top of HEAD as it is now.
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

// Head returns HEAD as it was when the draft was begun, the parent of the first
// commit.
func (d *Draft) Head() Head { return d.head }

// Commit makes a commit on top of the one before it, or of Head, with contents
// put in as by WriteTree. The contents have to be in the repository's own
// object store. The commit is signed where the configuration asks for that,
// which may take as long as somebody needs to type a passphrase. The error is
// ErrNothing where contents change nothing, and then there is no new commit; a
// SigningError where it can't be signed.
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
	for _, c := range contents {
		if err := d.repo.has(c); err != nil {
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

// object writes the commit itself; git does it where the commit is to be signed
// or to name an encoding. The text is not made by go-git's object.Commit, whose
// signatures turn the time zone -0030 into +0030.
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
