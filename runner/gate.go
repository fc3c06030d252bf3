package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chant/runner/git"
	"chant/spec"
)

// ErrAgent is returned if an agent calls a command that only a person may call.
var ErrAgent = errors.New("not for an agent: a person has to run this outside the agent")

// ErrCheck is returned if a check calls such a command.
var ErrCheck = errors.New("not for a check: a person has to run this outside of a run")

// agentVariable marks what an agent has started. Nothing keeps a process from removing
// it: what does is that its sandbox leaves the project closed.
const agentVariable = "CHANT_AGENT=1"

// RefuseAgent returns ErrAgent if an agent started this process, and ErrCheck if a check of
// this project did, as the environment says.
func (e *Engine) RefuseAgent() error {
	switch {
	case slices.Contains(e.Settings.Env, agentVariable):
		return ErrAgent
	case e.Settings.InCheck():
		return ErrCheck
	}
	return nil
}

// Approve records that the committer approves the current spec or, if approved is false,
// rejects it. The spec must require an approval.
func (e *Engine) Approve(ctx context.Context, s *spec.Spec, approved bool) (spec.Approval, error) {
	verdict := spec.Approval{Required: true, Status: spec.Rejected}
	if approved {
		verdict.Status = spec.Approved
	}
	err := e.record(ctx, s, func(src []byte, now *spec.Spec, by string, at time.Time) ([]byte, error) {
		if !now.Approval.Required {
			return nil, usage("add approval: {required: true} to its frontmatter", "spec %s requires no approval", now.ID)
		}
		verdict.By, verdict.At, verdict.Digest = by, at, now.ApprovalDigest()
		return spec.SetKey(src, "approval", verdict)
	})
	if err != nil {
		return spec.Approval{}, fmt.Errorf("spec %s: %w", s.ID, err)
	}
	return verdict, nil
}

// Skip cancels a spec and records the reason in its file, and commits the file if git tracks
// it. Specs that depend on it no longer wait for it.
func (e *Engine) Skip(ctx context.Context, s *spec.Spec, reason string) error {
	err := e.record(ctx, s, func(src []byte, now *spec.Spec, by string, at time.Time) ([]byte, error) {
		if now.Status == spec.StatusCompleted || now.IsSkipped() {
			return nil, usage("chant show "+now.ID, "it is already %s", now.Status)
		}
		src, err := spec.SetKey(src, "status", string(spec.StatusCancelled))
		if err != nil {
			return nil, err
		}
		return spec.SetKey(src, "skipped", spec.Skip{Reason: reason, By: by, At: at})
	})
	if err != nil {
		return fmt.Errorf("skipping spec %s: %w", s.ID, err)
	}
	message := fmt.Sprintf("chant(%s): skip\n\n%s\n\nChant-Spec: %s\n", s.ID, strings.TrimSpace(reason), s.ID)
	_, err = e.Git.Commit(ctx, git.CommitRequest{Paths: []string{s.Path}, Message: message})
	if err != nil && !errors.Is(err, git.ErrNothing) {
		return fmt.Errorf("skipping spec %s: %w", s.ID, err)
	}
	return nil
}

// recordChange changes the file of a spec: by is the committer, at the time. It returns the
// new file, or an error if the change is not allowed.
type recordChange func(src []byte, now *spec.Spec, by string, at time.Time) ([]byte, error)

// record changes the frontmatter of a spec, under its lock, so that it does not interfere
// with a run.
func (e *Engine) record(ctx context.Context, s *spec.Spec, change recordChange) (err error) {
	if err := e.RefuseAgent(); err != nil {
		return err
	}
	by, err := e.Git.Identity(ctx)
	if err != nil {
		return err
	}
	release, err := e.lock(ctx, s.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	at := e.Settings.Now().UTC().Truncate(time.Second)
	return e.editSpec(s.Path, func(src []byte) ([]byte, error) {
		now, problems := spec.Parse(s.Path, src)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		return change(src, now, by, at)
	})
}
