package cmd

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"syscall"

	"chant/runner"
	"chant/runner/agent"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/prove"
	"chant/runner/verify"
	"chant/spec"
	"chant/storage"
)

// The exit codes; DESIGN and README list them. 124 to 127 are never used: they
// mean other things to timeout(1), git bisect and shells.
const (
	ExitHeld        = 0
	ExitNotHeld     = 1 // something was checked and did not hold
	ExitUsage       = 2 // usage, config or spec error
	ExitNotYet      = 3 // cannot be said or begun yet
	ExitEnvironment = 4 // git, disk, an interpreter missing
	exitSignal      = 128
)

// SignalError is the cause of a context that a signal ended.
type SignalError struct {
	Signal syscall.Signal
}

// Error names the signal.
func (s SignalError) Error() string { return "stopped by signal: " + s.Signal.String() }

// usageError is a command line that makes no sense.
type usageError struct {
	msg  string
	hint string
}

func (u *usageError) Error() string { return u.msg }

// Hint returns the way to ask right.
func (u *usageError) Hint() string { return u.hint }

// statusError ends a command with a code when everything worth saying has been
// said.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// exitCode is the one map from errors to exit codes. Of joined errors the one
// that is most worth knowing gives the code: a signal, since the rest is then
// unfinished; what did not hold, since no other error can take that back; a
// failure of the environment; an error in what was asked; what has to wait.
func exitCode(err error) int {
	code := ExitHeld
	for _, one := range apart(err) {
		if c := codeOf(one); rank(c) > rank(code) {
			code = c
		}
	}
	return code
}

func rank(code int) int {
	switch code {
	case ExitHeld:
		return 0
	case ExitNotYet:
		return 1
	case ExitUsage:
		return 2
	case ExitEnvironment:
		return 3
	case ExitNotHeld:
		return 4
	}
	return 5
}

// apart returns the errors that err joins, also below a wrapping; without any,
// err itself.
func apart(err error) []error {
	for at := err; at != nil; at = errors.Unwrap(at) {
		if parts := joined(at); parts != nil {
			var list []error
			for _, one := range parts {
				list = append(list, apart(one)...)
			}
			return list
		}
	}
	return []error{err}
}

// joined returns what errors.Join made err of; nil for any other error, also for
// one of fmt.Errorf with two %w, which says one thing about one failure.
func joined(err error) []error {
	if reflect.TypeOf(err) != reflect.TypeOf(errors.Join(errNothingReady)) {
		return nil
	}
	return err.(interface{ Unwrap() []error }).Unwrap()
}

// codeOf returns the code of an error that joins no others.
func codeOf(err error) int {
	switch {
	case err == nil:
		return ExitHeld
	case is[SignalError](err):
		sig, _ := errors.AsType[SignalError](err)
		return exitSignal + int(sig.Signal)
	case is[statusError](err):
		status, _ := errors.AsType[statusError](err)
		return int(status)
	case is[*spec.NotFoundError](err), is[*runner.NotReadyError](err), is[*runner.NoCriteriaError](err),
		is[*git.InProgressError](err), errors.Is(err, storage.ErrLocked),
		errors.Is(err, verify.ErrNothingToVerify), errors.Is(err, prove.ErrNothingToProve),
		errors.Is(err, prove.ErrProving), errors.Is(err, errNothingReady):
		return ExitNotYet
	case is[*usageError](err), is[*project.UsageError](err), is[*agent.UsageError](err), is[spec.Problem](err), is[*spec.AmbiguousError](err),
		errors.Is(err, project.ErrNoProject), errors.Is(err, runner.ErrAgent), errors.Is(err, runner.ErrCheck), errors.Is(err, git.ErrUnknownRevision):
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

// report writes an error the way all of chant's errors look: what, why, and
// the mend where there is one. Joined errors get a line each.
func report(s *screen, err error) {
	if parts := joined(err); parts != nil {
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
