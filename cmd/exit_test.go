package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"chant/runner"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/prove"
	"chant/runner/verify"
	"chant/spec"
	"chant/storage"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	problems := spec.Problems{
		{ID: "1", Path: "a.md", Severity: spec.Error, Msg: "one"}, {ID: "1", Path: "a.md", Severity: spec.Error, Msg: "two"},
	}
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing", nil, 0},
		{"interrupt", SignalError{syscall.SIGINT}, 130},
		{"termination", SignalError{syscall.SIGTERM}, 143},
		{"cancelled", context.Canceled, 130},
		{"not held", statusError(ExitNotHeld), 1},
		{"not yet", statusError(ExitNotYet), 3},
		{"usage", &project.UsageError{Msg: "m"}, 2},
		{"the engine's usage", &project.UsageError{Msg: "m"}, 2},
		{"problem", problems[0], 2},
		{"problems", problems.Err(), 2},
		{"ambiguous", &spec.AmbiguousError{Query: "0"}, 2},
		{"no project", project.ErrNoProject, 2},
		{"agent", runner.ErrAgent, 2},
		{"check", runner.ErrCheck, 2},
		{"revision", git.ErrUnknownRevision, 2},
		{"revision and why", fmt.Errorf("resolving x: %w: %w", git.ErrUnknownRevision, fs.ErrNotExist), 2},
		{"unknown spec", &spec.NotFoundError{Query: "9"}, 3},
		{"not ready", &runner.NotReadyError{ID: "1", State: spec.StateBlocked}, 3},
		{"no criteria", runner.ErrNoCriteria, 3},
		{"nothing to verify", verify.ErrNothingToVerify, 3},
		{"nothing to prove", prove.ErrNothingToProve, 3},
		{"a proof of itself", prove.ErrProving, 3},
		{"nothing ready", errNothingReady, 3},
		{"locked", &storage.LockedError{Name: "spec/1"}, 3},
		{"half a merge", &git.InProgressError{What: "merge"}, 3},
		{"no repository", git.ErrNotRepository, 4},
		{"shallow", git.ErrShallow, 4},
		{"disk", fs.ErrPermission, 4},
		{"git", &git.CommandError{Command: "commit"}, 4},
		{"any other", errors.New("boom"), 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for how, err := range map[string]error{
				"alone": tt.err, "joined": errors.Join(nil, tt.err), "joined twice": errors.Join(errors.Join(tt.err), nil),
			} {
				if got := exitCode(err); got != tt.want {
					t.Errorf("%s: got %d, want %d", how, got, tt.want)
				}
			}
			if tt.err == nil {
				return
			}
			if got := exitCode(fmt.Errorf("doing it: %w", errors.Join(tt.err, tt.err))); got != tt.want {
				t.Errorf("wrapped: got %d, want %d", got, tt.want)
			}
		})
	}
}

// Of joined errors the most important one decides.
func TestExitCodePrecedence(t *testing.T) {
	t.Parallel()
	order := []error{
		nil,
		verify.ErrNothingToVerify,
		fs.ErrPermission,
		statusError(ExitNotHeld),
		&project.UsageError{Msg: "m"},
		SignalError{syscall.SIGTERM},
	}
	for i, stronger := range order {
		for _, weaker := range order[:i] {
			want := exitCode(stronger)
			for _, err := range []error{
				errors.Join(stronger, weaker), errors.Join(weaker, stronger),
				fmt.Errorf("doing it: %w", errors.Join(weaker, fmt.Errorf("more: %w", stronger))),
			} {
				if got := exitCode(err); got != want {
					t.Errorf("%v: got %d, want %d", err, got, want)
				}
			}
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	hinted := &project.UsageError{Msg: "no such flag", Mend: "chant --help"}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing", nil, ""},
		{"all was said", statusError(1), ""},
		{"plain", errors.New("disk full"), "chant: disk full\n"},
		{"hint", hinted, "chant: no such flag (chant --help)\n"},
		{"no hint", &project.UsageError{Msg: "bad"}, "chant: bad\n"},
		{"wrapped hint", fmt.Errorf("parsing: %w", hinted), "chant: parsing: no such flag (chant --help)\n"},
		{"hint once", &spec.NotFoundError{Query: "x", Suggestions: []string{"y"}}, "chant: no spec matches \"x\" (did you mean \"y\"?)\n"},
		{"joined", errors.Join(errors.New("one"), errors.Join(hinted, errors.New("three"))),
			"chant: one\nchant: no such flag (chant --help)\nchant: three\n"},
		{"one was said", errors.Join(statusError(1), errors.New("and disk full")), "chant: and disk full\n"},
		{"lines", fmt.Errorf("loading: %w", errors.Join(errors.New("one"), errors.New("two"))), "chant: loading: one two\n"},
		{"two natures", fmt.Errorf("%w: %w", errors.New("no repository"), errors.New("no such file")), "chant: no repository: no such file\n"},
		{"hostile", errors.New("file \x1b[2J\u202e"), "chant: file ^[[2J<U+202E>\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			report(newScreen(&b, nil), tt.err)
			if b.String() != tt.want {
				t.Errorf("got %q, want %q", b.String(), tt.want)
			}
		})
	}
}

func TestCommandLineErrors(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"nosuch"}, {"--nosuch"}, {"list", "extra"}, {"show"}, {"graph", "--json", "--format=dot"}, {"status", "--json", "--watch"},
		{"list", "--nosuch"}, {"run", "--all", "x"}, {"verify", "--shard", "3/2"}, {"verify", "--report", "pdf"}, {"attest", "x"}, {"new"},
		{"completion", "nosuch"},
	} {
		var out, err strings.Builder
		app := App{Out: &out, Err: &err, Dir: t.TempDir(), Now: fixedTime}
		if code := app.Run(t.Context(), args); code != ExitUsage || !strings.HasPrefix(err.String(), "chant: ") || out.Len() > 0 {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", args, code, out.String(), err.String())
		}
	}
}
