package cmd

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"chant/runner"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/prove"
	"chant/runner/verify"
	"chant/spec"
	"chant/storage"
)

// The exit codes, as in the README. 124 to 127 are never used: they have other
// meanings for timeout(1), git bisect and shells.
const (
	ExitHeld        = 0
	ExitNotHeld     = 1   // something was checked and did not hold
	ExitUsage       = 2   // usage, config or spec error
	ExitNotYet      = 3   // undecided, or not runnable yet
	ExitEnvironment = 4   // git, the disk or an interpreter failed
	exitNoCommand   = 127 // of the process that was to become a command: see sandbox.Exec
	exitSignal      = 128
)

// SignalError is the cause of a context that a signal cancelled.
type SignalError struct {
	Signal syscall.Signal
}

// Error names the signal.
func (s SignalError) Error() string { return "stopped by signal: " + s.Signal.String() }

// statusError ends a command with an exit code and without a message.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// statusIf returns the statusError of an exit code if the command failed.
func statusIf(code int, failed bool) error {
	if failed {
		return statusError(code)
	}
	return nil
}

// exitCode is the one map from errors to exit codes. Of joined errors the most
// important one decides: first a signal, because the rest is then unfinished;
// then what did not hold, because no other error can change that; then a failure
// of the environment, a usage error, and what can't run yet.
func exitCode(err error) int {
	rank := func(code int) int { // -1 for a signal
		return slices.Index([]int{ExitUsage, ExitNotHeld, ExitEnvironment, ExitNotYet, ExitHeld}, code)
	}
	code := ExitHeld
	for _, one := range flatten(err) {
		if c := codeOf(one); rank(c) < rank(code) {
			code = c
		}
	}
	return code
}

// flatten returns the errors that err joins, also if the join is wrapped, or else
// err itself.
func flatten(err error) []error {
	for at := err; at != nil; at = errors.Unwrap(at) {
		if parts := joinedErrors(at); parts != nil {
			var list []error
			for _, one := range parts {
				list = append(list, flatten(one)...)
			}
			return list
		}
	}
	return []error{err}
}

// joinedErrors returns the arguments of the errors.Join that made err; nil for
// any other error. fmt.Errorf with two %w does not count: it describes one failure.
func joinedErrors(err error) []error {
	if reflect.TypeOf(err) != reflect.TypeOf(errors.Join(errNothingReady)) {
		return nil
	}
	return err.(interface{ Unwrap() []error }).Unwrap()
}

// codeOf returns the exit code of an error that is not joined.
func codeOf(err error) int {
	if sig, ok := errors.AsType[SignalError](err); ok {
		return exitSignal + int(sig.Signal)
	}
	if status, ok := errors.AsType[statusError](err); ok {
		return int(status)
	}
	switch {
	case err == nil:
		return ExitHeld
	case is[*spec.NotFoundError](err), is[*runner.NotReadyError](err),
		is[*git.InProgressError](err), errors.Is(err, storage.ErrLocked),
		errors.Is(err, verify.ErrNothingToVerify), errors.Is(err, prove.ErrNothingToProve),
		errors.Is(err, prove.ErrProving), errors.Is(err, errNothingReady), errors.Is(err, runner.ErrNoCriteria):
		return ExitNotYet
	case is[*project.UsageError](err),
		is[spec.Problem](err), is[*spec.AmbiguousError](err),
		errors.Is(err, project.ErrNoProject), errors.Is(err, runner.ErrAgent), errors.Is(err, runner.ErrCheck),
		errors.Is(err, git.ErrUnknownRevision):
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return exitSignal + int(syscall.SIGINT)
	}
	return ExitEnvironment
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// report writes an error on one line, with its hint in parentheses. Joined errors
// get one line each.
func report(s *screen, err error) {
	if parts := joinedErrors(err); parts != nil {
		for _, one := range parts {
			report(s, one)
		}
		return
	}
	if err == nil || is[statusError](err) {
		return
	}
	text := collapse(err.Error())
	if errors.Is(err, storage.ErrCorrupt) {
		text += " (" + repairHint + ")"
	} else if hinted, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok && !strings.Contains(text, collapse(hinted.Hint())) {
		text += " (" + collapse(hinted.Hint()) + ")"
	}
	s.line(bold("chant:"), plain(text))
}

func collapse(s string) string { return strings.Join(strings.Fields(s), " ") }
