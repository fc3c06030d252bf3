package runner

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

// tries is how often a completion is tried if HEAD moves during it.
const tries = 5

// complete commits the work and then the completed spec, if the checks ran on exactly what is
// committed. If it can't, the verdict says why. Only one process of the project completes at
// a time.
func (a *attempt) complete(ctx context.Context, opts RunOptions) (err error) {
	settings := a.engine.Settings
	release, err := storage.LockWait(ctx, project.StorePath(settings.Root), "completing", settings.LockHolder())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	for range tries {
		err = a.completeOnce(ctx, opts)
		if !errors.Is(err, git.ErrHeadMoved) {
			return err
		}
	}
	return fmt.Errorf("spec %s: completing it: %w", a.spec.ID, err)
}

// completeOnce is complete without a lock. The error is git.ErrHeadMoved if HEAD moved.
func (a *attempt) completeOnce(ctx context.Context, opts RunOptions) error {
	now, err := a.readCandidate(ctx)
	if err != nil {
		return err
	}
	if changed := project.Changed(a.candidate.prints, now.prints); len(changed) > 0 {
		a.fail("target files changed while the checks ran: " + record.Some(changed))
		return nil
	}
	if err := a.engine.ignoredTargets(a.spec, now); err != nil { // a check or an agent may have made such a file
		return err
	}
	if missing, err := a.missingTarget(ctx, now); err != nil || missing != "" {
		a.fail(missing)
		return err
	}
	if held, err := a.sealWhereNeeded(ctx, now); err != nil || !held {
		return err
	}
	short := context.WithoutCancel(ctx) // without hooks the rest is short, and must not be done by half
	draft, err := a.engine.Git.Draft(short)
	if needs, ok := errors.AsType[*git.NeedsGitError](err); ok {
		a.detail("committing by git: " + needs.Reason)
		return a.commitByGit(ctx, now, opts)
	}
	if err != nil {
		return err
	}
	return a.publish(short, draft, now, opts)
}

// missingTarget returns why the spec can't be completed: no entry of target_files matches
// anything and one is not a glob, or an entry looks like a misspelt name of a changed file.
func (a *attempt) missingTarget(ctx context.Context, now candidate) (string, error) {
	unmatched, err := a.unmatched(ctx, now)
	if err != nil {
		return "", err
	}
	for _, item := range unmatched {
		hint := didYouMean(item.Value, a.candidate.extra)
		if hint != "" || len(unmatched) == len(a.spec.TargetFiles) && !spec.IsGlob(item.Value) {
			return item.Value + " in target_files is neither in the work tree nor in git's history" + hint, nil
		}
	}
	return "", nil
}

// didYouMean returns a hint at the changed file whose name is like that of a target file, or
// "" if there is none.
func didYouMean(name string, changed []string) string {
	if hint := spec.DidYouMean(name, changed); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// sealWhereNeeded repeats the checks in a checkout unless they ran on exactly what is to be
// committed. It reports whether all criteria hold.
func (a *attempt) sealWhereNeeded(ctx context.Context, now candidate) (bool, error) {
	uncovered, err := a.uncovered(ctx, now)
	if err != nil || uncovered == "" {
		return err == nil, err
	}
	a.notice(uncovered)
	results, err := a.seal(ctx, now)
	if err != nil {
		return false, err
	}
	return a.resultsHeld(results, "in a checkout of what would be committed"), nil
}

// resultsHeld replaces the results of the run by those of a repetition, and reports whether
// all criteria hold.
func (a *attempt) resultsHeld(results []record.Result, where string) bool {
	a.ev.Criteria = results
	verdict := summary(results)
	if verdict == record.AllHeld {
		return true
	}
	a.fail("all criteria held in your work tree, but not " + where)
	a.ev.Verdict = verdict
	return false
}

func (a *attempt) fail(reason string) { a.ev.Verdict, a.ev.Reason = record.Failed, reason }

// publish makes both commits visible with one update of HEAD.
func (a *attempt) publish(ctx context.Context, draft *git.Draft, now candidate, opts RunOptions) error {
	if draft.Head() != now.head {
		return git.ErrHeadMoved
	}
	contents, err := a.engine.Git.Store(ctx, now.targets, "")
	if err != nil {
		return err
	}
	var commits []string
	made, err := draft.Commit(ctx, contents, a.message(opts))
	switch {
	case err == nil:
		commits = []string{string(made)}
	case errors.Is(err, git.ErrNothing):
		if commits, err = a.lastCommits(ctx, now.head); err != nil {
			return err
		}
	default:
		return err
	}
	before, after, err := a.markFile(commits)
	if err != nil {
		return err
	}
	err = a.publishSpec(ctx, draft, after)
	if err != nil {
		return errors.Join(err, a.takeBack(before, after))
	}
	if made != "" {
		a.ev.Commits = append(a.ev.Commits, string(made))
	}
	a.ev.Verdict = record.Completed
	return nil
}

// publishSpec commits the spec with this data, even if the file has changed since.
func (a *attempt) publishSpec(ctx context.Context, draft *git.Draft, data []byte) error {
	content, err := a.engine.Git.StoreBytes(ctx, a.spec.Path, data, "")
	if err != nil {
		return err
	}
	if _, err := draft.Commit(ctx, []git.Content{content}, a.closing()); err != nil && !errors.Is(err, git.ErrNothing) {
		return err
	}
	return draft.Publish(ctx)
}

// commitByGit makes both commits with git commit, one after the other, because hooks have to
// run. If a hook or filter changes the work, the checks run again.
func (a *attempt) commitByGit(ctx context.Context, now candidate, opts RunOptions) error {
	commits, held, err := a.commitWork(ctx, now, opts)
	if err != nil || !held {
		return err
	}
	checked := now.head.Commit
	if n := len(a.ev.Commits); n > 0 {
		checked = git.Hash(a.ev.Commits[n-1])
	}
	head, held, err := a.holdsAtHead(ctx, checked)
	if err != nil || !held {
		return err
	}
	before, after, err := a.markFile(commits)
	if err != nil {
		return err
	}
	_, err = a.engine.Git.CommitOnly(ctx, git.CommitRequest{Paths: []string{a.spec.Path}, Message: a.closing()})
	if err != nil && !errors.Is(err, git.ErrNothing) {
		return errors.Join(err, a.takeBack(before, after))
	}
	head, held, err = a.holdsAtHead(ctx, head)
	if err != nil || !held {
		return errors.Join(err, a.withdraw(ctx, before, after))
	}
	return a.confirm(head)
}

// withdraw takes back a completion that is committed.
func (a *attempt) withdraw(ctx context.Context, before, after []byte) error {
	if err := a.takeBack(before, after); err != nil {
		return err
	}
	message := fmt.Sprintf("chant(%s): open again\n\nThe checks do not hold in its completion.\n\nChant-Spec: %[1]s\n", a.spec.ID)
	_, err := a.engine.Git.CommitOnly(ctx, git.CommitRequest{Paths: []string{a.spec.Path}, Message: message})
	if err != nil && !errors.Is(err, git.ErrNothing) {
		return fmt.Errorf("HEAD says that the spec is completed, and that could not be taken back: %w", err)
	}
	return nil
}

// holdsAtHead runs the checks on HEAD if its files differ from those of the commit that was
// checked: hooks and other programs may commit as well. It returns HEAD and whether all
// criteria hold in it.
func (a *attempt) holdsAtHead(ctx context.Context, checked git.Hash) (git.Hash, bool, error) {
	head, err := a.engine.Git.Head()
	if err != nil {
		return "", false, err
	}
	held, err := a.sameWork(ctx, checked, head.Commit)
	if err == nil && !held {
		held, err = a.checkCommit(ctx, head.Commit)
	}
	return head.Commit, held, err
}

// commitWork commits the target files. It returns the commits with the work, and whether
// all criteria hold in them.
func (a *attempt) commitWork(ctx context.Context, now candidate, opts RunOptions) (commits []string, held bool, err error) {
	contents, err := a.contentsOf(ctx, now.targets) // before a hook changes them
	if err != nil {
		return nil, false, err
	}
	if len(now.targets) > 0 {
		made, err := a.engine.Git.CommitOnly(ctx, git.CommitRequest{Paths: now.targets, Message: a.message(opts)})
		if err == nil {
			a.ev.Commits = append(a.ev.Commits, string(made))
			held, err := a.recheck(ctx, now.head.Commit, made, contents)
			return a.ev.Commits, held, err
		}
		if !errors.Is(err, git.ErrNothing) {
			return nil, false, err
		}
	}
	commits, err = a.lastCommits(ctx, now.head)
	return commits, true, err
}

// confirm checks that a commit has the completed spec. A hook may have changed it.
func (a *attempt) confirm(head git.Hash) error {
	src, err := a.engine.Git.ReadFile(head, a.spec.Path)
	if err != nil {
		return err
	}
	now, problems := spec.Parse(a.spec.Path, src)
	open := slices.ContainsFunc(now.Criteria, func(c spec.Criterion) bool { return !c.Ticked })
	if problems.Err() != nil || now.Status != spec.StatusCompleted || now.Digest() != a.ev.Digest || open {
		return fmt.Errorf("spec %s: commit %.12s does not hold %s as chant wrote it: a hook or another program changed it",
			a.spec.ID, head, a.spec.Path)
	}
	a.ev.Verdict = record.Completed
	return nil
}

// contentsOf returns files of the work tree as git would store them now.
func (a *attempt) contentsOf(ctx context.Context, paths []string) (contents []git.Content, err error) {
	dir, err := os.MkdirTemp("", "chant-objects-")
	if err != nil {
		return nil, fmt.Errorf("creating a folder for objects: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	objects := filepath.Join(dir, "objects")
	if err := os.Mkdir(objects, 0o700); err != nil {
		return nil, fmt.Errorf("creating a folder for objects: %w", err)
	}
	return a.engine.Git.Store(ctx, paths, objects)
}

// markFile ticks the criteria and completes the spec in its file, with one write.
func (a *attempt) markFile(commits []string) (before, after []byte, err error) {
	completed := a.engine.Settings.Now().UTC().Truncate(time.Second)
	err = a.edit(func(src []byte) ([]byte, error) {
		out, err := spec.SetTicks(src, ticksOf(a.ev.Criteria))
		if err == nil {
			out, err = markCompleted(out, completed, commits, a.model())
		}
		before, after = src, out
		return out, err
	})
	return before, after, err
}

// detail emits a record.Detail.
func (a *attempt) detail(text string) {
	a.engine.Settings.Emit(record.Detail{Spec: a.spec.ID, Text: text})
}

// notice emits a record.Notice.
func (a *attempt) notice(text string) {
	a.engine.Settings.Emit(record.Notice{Spec: a.spec.ID, Text: text})
}

// agents reports whether an agent ran.
func (a *attempt) agents() bool { return len(a.ev.Agents) > 0 }

// model returns the model that the agent reported, or else the one that it was started with;
// "" if there is none.
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

// takeBack undoes markFile except for the ticks, after the commit failed. It returns an error
// if the file has changed since.
func (a *attempt) takeBack(before, after []byte) error {
	return a.engine.editSpec(a.spec.Path, func(src []byte) ([]byte, error) {
		if !bytes.Equal(src, after) {
			return nil, fmt.Errorf("%s has changed since: its status may be completed without a commit", a.spec.Path)
		}
		return spec.SetTicks(before, ticksOf(a.ev.Criteria))
	})
}

func (a *attempt) message(opts RunOptions) string {
	return a.withTrailers(a.project.Config.Commit.Work(a.spec, cmp.Or(strings.TrimSpace(opts.Message), a.spec.Title)))
}

func (a *attempt) closing() string { return a.withTrailers(a.project.Config.Commit.Complete(a.spec)) }

// withTrailers returns a commit message with chant's trailers; for their form see
// git-interpret-trailers(1).
func (a *attempt) withTrailers(subject string) string {
	n := len(a.spec.Criteria)
	message := fmt.Sprintf("%s\n\nChant-Spec: %s\nChant-Criteria: %d/%d\n", subject, a.spec.ID, n, n)
	if a.signer != "" {
		message += "Signed-off-by: " + a.signer + "\n"
	}
	return message
}
