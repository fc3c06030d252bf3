package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// complete commits the work, then the spec file that says so, alone. Where the
// second commit fails the file goes back to what it was, so that no file claims
// what history does not hold.
func (a *attempt) complete(ctx context.Context, opts RunOptions) error {
	message := a.message(opts)
	commits, err := a.commitWork(ctx, message)
	if err != nil {
		return err
	}
	completed := a.engine.Settings.Now().UTC().Truncate(time.Second)
	var before, after []byte
	err = a.edit(func(src []byte) ([]byte, error) {
		out, err := markCompleted(src, completed, commits, a.model())
		before, after = src, out
		return out, err
	})
	if err != nil {
		return err
	}
	_, err = a.engine.Git.Commit(ctx, git.CommitRequest{Paths: []string{a.spec.Path}, Message: a.closing(), Notice: a.detail})
	if errors.Is(err, git.ErrNothing) {
		err = nil // the same completion is in HEAD already
	}
	if err != nil {
		return errors.Join(err, a.takeBack(before, after))
	}
	return nil
}

// commitWork commits the changed target files and gives the commits that hold
// the work: the new one or, where nothing was left to commit, the last that
// touched those files.
func (a *attempt) commitWork(ctx context.Context, message string) ([]string, error) {
	now, err := project.ReadWorktree(ctx, a.engine.Git, a.engine.Settings.Root)
	if err != nil {
		return nil, err
	}
	if err := a.engine.ignoredTargets(a.spec, now); err != nil { // a check or an agent may have made it
		return nil, err
	}
	var paths []string
	for _, path := range now.Paths() {
		if a.spec.Targets(path) {
			paths = append(paths, path)
		}
	}
	if len(paths) > 0 {
		made, err := a.engine.Git.Commit(ctx, git.CommitRequest{Paths: paths, Message: message, Notice: a.detail})
		if err == nil {
			a.ev.Commits = append(a.ev.Commits, string(made))
			return a.ev.Commits, nil
		}
		if !errors.Is(err, git.ErrNothing) {
			return nil, err
		}
	}
	last, err := a.lastTouching()
	if err != nil || last == "" {
		return nil, err
	}
	return []string{string(last)}, nil
}

// lastTouching gives the newest commit, on the first-parent line, that changed
// a target file; "" where none did.
func (a *attempt) lastTouching() (git.Hash, error) {
	head, err := a.engine.Git.Head()
	if err != nil || head.Commit == "" || len(a.spec.TargetFiles) == 0 {
		return "", err
	}
	for c, err := range a.engine.Git.FirstParents(head.Commit) {
		if errors.Is(err, git.ErrShallow) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		touched, err := a.engine.Git.Changed(c.Hash, a.spec.Targets)
		if err != nil {
			return "", err
		}
		if touched {
			return c.Hash, nil
		}
	}
	return "", nil
}

// detail tells how a commit is made.
func (a *attempt) detail(text string) {
	a.engine.Settings.Emit(record.Detail{Spec: a.spec.ID, Text: text})
}

// model gives the model that did the work, as the agent reported it or else as
// it was asked for; "" where no agent was run, or nobody knows.
func (a *attempt) model() string {
	if n := len(a.ev.Agents); n > 0 {
		return cmp.Or(a.ev.Agents[n-1].Result.ModelReported, a.ev.Agents[n-1].Result.ModelAsked)
	}
	return ""
}

func markCompleted(src []byte, at time.Time, commits []string, model string) ([]byte, error) {
	src, err := spec.SetKey(src, "status", string(spec.StatusCompleted))
	if err == nil {
		src, err = spec.SetKey(src, "completed_at", at.Format(time.RFC3339))
	}
	if err == nil && len(commits) > 0 {
		src, err = spec.SetKey(src, "commits", commits)
	}
	if err == nil && model != "" {
		src, err = spec.SetKey(src, "model", model)
	}
	return src, err
}

// takeBack undoes markCompleted, unless somebody else wrote the file since.
func (a *attempt) takeBack(before, after []byte) error {
	return a.edit(func(src []byte) ([]byte, error) {
		if string(src) != string(after) {
			return nil, fmt.Errorf("somebody changed %s meanwhile: its status may say completed without a commit", a.spec.Path)
		}
		return before, nil
	})
}

func (a *attempt) message(opts RunOptions) string {
	return a.withTrailers(cmp.Or(strings.TrimSpace(opts.Message), a.spec.Title))
}

func (a *attempt) closing() string { return a.withTrailers("complete") }

// withTrailers gives a commit message in the project's form; see
// git-interpret-trailers(1) for the trailers'.
func (a *attempt) withTrailers(subject string) string {
	n := len(a.spec.Criteria)
	return fmt.Sprintf("chant(%s): %s\n\nChant-Spec: %s\nChant-Criteria: %d/%d\n", a.spec.ID, subject, a.spec.ID, n, n)
}

// committable refuses another repository among the target files: none of its
// files could be committed with the work.
func committable(s *spec.Spec, changes []git.Change) error {
	for _, c := range changes {
		if c.Repository && c.Untracked && s.Targets(c.Path) {
			return &project.UsageError{
				Msg:  fmt.Sprintf("spec %s: %s, which its target_files take in, is a repository of its own", s.ID, c.Path),
				Mend: "leave it out of target_files, or let git ignore it",
			}
		}
	}
	return nil
}
