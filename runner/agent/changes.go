package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// ErrNoFolder is returned where an agent has removed the folder that it worked in.
var ErrNoFolder = errors.New("removed the folder that it worked in")

const modeFile, modeExecutable = "100644", "100755" // git's, of files

// Read records what the agent did to its checkout, but for new files that git ignores, and
// copies the target files that changed. Store and BringBack are about those.
func (w *Workspace) Read(ctx context.Context, run *record.AgentRun) error {
	is, err := os.Lstat(w.dir)
	if err != nil || !os.SameFile(w.top, is) {
		return ErrNoFolder
	}
	w.left = nil
	if err := w.openFolders(); err != nil {
		return err
	}
	var named []string
	for _, item := range w.task.Spec.TargetFiles {
		named = append(named, path.Clean(item.Value))
	}
	changed, err := w.repo.Since(ctx, w.dir, w.task.Keep, named)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(w.copies()), os.Mkdir(w.copies(), 0o700)); err != nil {
		return err
	}
	copies, err := os.OpenRoot(w.copies())
	if err != nil {
		return err
	}
	defer copies.Close()
	left := map[string]change{}
	for _, was := range changed {
		if err := w.take(run, left, was, copies); err != nil {
			return fmt.Errorf("keeping what the agent left: %w", err)
		}
	}
	if err := w.storeCopies(ctx, left); err != nil {
		return err
	}
	w.left = left
	run.Claims = w.claims()
	return nil
}

// openFolders makes every folder of the checkout readable, and removes pipes in which git
// would wait for rules for ever.
func (w *Workspace) openFolders() error {
	err := os.Chmod(w.dir, 0o700)
	return errors.Join(err, fs.WalkDir(w.root.FS(), ".", func(at string, entry fs.DirEntry, err error) error {
		name := path.Base(at)
		switch {
		case err == nil && entry.IsDir() && at != ".":
			_ = w.root.Chmod(at, 0o700) // if not, what is in it is refused
		case err == nil && entry.Type() == fs.ModeNamedPipe && (name == ".gitignore" || name == ".gitattributes"):
			return w.root.Remove(at)
		}
		return nil // what can't be read git names, or passes over
	}))
}

// take records what became of a file, and adds a target file to left and to copies.
func (w *Workspace) take(run *record.AgentRun, left map[string]change, was git.Content, copies *os.Root) error {
	at := strings.TrimSuffix(was.Path, "/")
	info, err := stat(w.root, at)
	is := git.Content{Path: at}
	switch {
	case !w.comesBack(at) && was.Mode == "":
		run.Outside = append(run.Outside, was.Path+" (new)")
		return nil
	case !w.comesBack(at) && info == nil && err == nil:
		run.Outside = append(run.Outside, at+" (removed)")
		return nil
	case !w.comesBack(at):
		run.Outside = append(run.Outside, at+" (changed)")
		return nil
	case git.OwnPath(at):
		err = errors.New("its name means git's own folder on some systems")
	case at != was.Path:
		err = errElsewhere
	case err == nil && info != nil:
		is.Mode = modeFile // or another one: storeCopies sets it
		var f project.File
		if f, err = project.ReadFile(w.root, at); err == nil {
			if was.Mode == modeFile && f.Executable || was.Mode == modeExecutable && !f.Executable && f.Target == "" {
				run.Modes = append(run.Modes, at)
				f.Executable = !f.Executable
			}
			if err := f.Create(copies, at); err != nil {
				return err // which is no fault of the agent's file
			}
		}
	}
	if err == nil && project.IsSpecFile(at) {
		err = w.checkSpec(at, copies)
	}
	if err != nil {
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err // the path is said already
		}
		run.Refused = append(run.Refused, fmt.Sprintf("%s (%v)", at, err))
		return nil
	}
	left[at] = change{was, is}
	return nil
}

// storeCopies stores what was copied, and takes out of left what is as it was.
func (w *Workspace) storeCopies(ctx context.Context, left map[string]change) error {
	var copied []string
	for at, change := range left {
		if change.is.Mode != "" {
			copied = append(copied, at)
		}
	}
	stored, err := w.repo.StoreFrom(ctx, w.copies(), copied, w.objects())
	for _, is := range stored {
		left[is.Path] = change{left[is.Path].was, is}
	}
	maps.DeleteFunc(left, func(_ string, c change) bool { return c.is == c.was })
	return err
}

// checkSpec says why a copy of a spec can't come back: which specs there are, what their
// criteria are, and what is recorded of them, is no agent's to write.
func (w *Workspace) checkSpec(at string, copies *os.Root) error {
	if _, err := copies.Readlink(at); err == nil {
		return errors.New("a spec can't be a symbolic link")
	}
	src, err := project.ReadIn(copies, at, project.TextLimit)
	before, errBefore := project.ReadIn(w.user, at, project.TextLimit)
	if err != nil || errBefore != nil {
		return errors.New("an agent can't add or remove a spec")
	}
	is, problems := spec.Parse(at, src)
	was, _ := spec.Parse(at, before) // what was wrong with it before is not the agent's doing
	i := slices.IndexFunc(problems, func(p spec.Problem) bool { return p.Severity == spec.Error })
	switch {
	case i >= 0:
		return errors.New("it is no valid spec: " + problems[i].Msg)
	case is.Digest() != was.Digest():
		return errors.New("its criteria or checks are not what they were")
	case len(claims(was, is)) > 0:
		return errors.New(strings.Join(claims(was, is), ", "))
	}
	return nil
}

// claims returns what the spec's file in the checkout says of completion that it did not say
// before.
func (w *Workspace) claims() []string {
	src, err := project.ReadIn(w.root, w.task.Spec.Path, project.TextLimit)
	if err != nil {
		return []string{}
	}
	is, _ := spec.Parse(w.task.Spec.Path, src)
	return claims(w.task.Spec, is)
}

// claims returns, in words, what a version of a spec says of completion that the one before
// does not.
func claims(was, is *spec.Spec) []string {
	list := []string{}
	for _, c := range is.Criteria {
		if c.Ticked && !slices.ContainsFunc(was.Criteria, func(b spec.Criterion) bool { return b.Ticked && b.Text == c.Text }) {
			list = append(list, fmt.Sprintf("ticked criterion %d", c.Number))
		}
	}
	if changed := project.ChangedRecord(was.Meta, is.Meta); changed != "" {
		list = append(list, "changed "+changed)
	}
	return list
}
