package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
func (r *Repo) Draft(ctx context.Context) (_ *Draft, err error) {
	defer wrap(&err, "preparing to commit")
	head, hooks, err := r.usable(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := r.settings(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.needsGit(settings, hooks); err != nil {
		return nil, err
	}
	d := &Draft{
		repo: r, head: head, tip: head.Commit, contents: make(map[string]Content),
		signs: settings.on("commit.gpgsign"), encodes: settings["i18n.commitencoding"] != "",
	}
	if d.author, err = r.identity(ctx, "GIT_AUTHOR_IDENT"); err != nil {
		return nil, err
	}
	if d.committer, err = r.identity(ctx, "GIT_COMMITTER_IDENT"); err != nil {
		return nil, err
	}
	return d, nil
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
// put in; one without a mode removes what is at its path, unless that is a
// folder. The contents have to be in the repository's own object store. The
// commit is signed where the configuration asks for that, which may take as
// long as somebody needs to type a passphrase. The error is ErrNothing where
// contents change nothing, and then there is no new commit; a PathError for a
// content that a tree can't have.
func (d *Draft) Commit(ctx context.Context, contents []Content, message string) (h Hash, err error) {
	defer wrap(&err, "preparing a commit")
	if message, err = cleanMessage(message); err != nil {
		return "", err
	}
	var before Hash
	if d.tip != "" {
		if before, err = d.repo.Tree(d.tip); err != nil {
			return "", err
		}
	}
	for _, c := range contents {
		if err := d.repo.check(c); err != nil {
			return "", err
		}
	}
	tree, err := d.repo.newTree(before, "", contents)
	if err == nil && tree == "" {
		tree, err = d.repo.write(plumbing.TreeObject, nil)
	}
	if err != nil {
		return "", err
	}
	if tree == cmp.Or(before, emptyTree) {
		return "", ErrNothing
	}
	d.repo.at("trees")
	if h, err = d.object(ctx, tree, message); err != nil {
		return "", err
	}
	d.repo.at("commit")
	for _, c := range contents {
		d.contents[c.Path] = c
	}
	first, _, _ := strings.Cut(message, "\n")
	d.subjects = append(d.subjects, first)
	d.tip = h
	return h, nil
}

// check refuses what a tree can't have, and content that was stored elsewhere.
func (r *Repo) check(c Content) error {
	if _, err := cleanPaths([]string{c.Path}); err != nil || c.Mode == "" {
		return err
	}
	if !c.Hash.valid() || !slices.Contains([]string{modeFile, modeExecutable, modeSymlink, modeSubmodule}, c.Mode) {
		return &PathError{Path: c.Path, Reason: "it has no hash or no file's mode"}
	}
	if c.Mode == modeSubmodule {
		return nil
	}
	has, err := r.has(c.Hash)
	if err == nil && !has {
		err = &PathError{Path: c.Path, Reason: "its content " + string(c.Hash) + " is not in the repository (store it there)"}
	}
	return err
}

// emptyTree is the tree without entries.
const emptyTree Hash = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// zeros is git's name for no object.
const zeros = "0000000000000000000000000000000000000000"

// cleanMessage returns a message that git would take.
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
	return d.repo.write(plumbing.CommitObject, []byte(text))
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
		return "", fmt.Errorf("%w: %s", errSigning, failed.Message)
	}
	if err != nil {
		return "", err
	}
	h := Hash(strings.TrimSpace(string(out)))
	if !d.signs {
		return h, nil
	}
	data, err := d.repo.read(plumbing.CommitObject, h)
	if err != nil {
		return "", err
	}
	if header, _, _ := strings.Cut(string(data), "\n\n"); !strings.Contains(header, "\ngpgsig") {
		return "", fmt.Errorf("%w: the program made no signature", errSigning)
	}
	return h, nil
}
