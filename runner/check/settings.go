package check

import (
	"slices"
	"time"

	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/runner/testlog"
	"chant/spec"
	"chant/storage"
)

// Settings is what checks need from the program that runs them. It must not be changed while they run.
type Settings struct {
	Root      string   // the project's folder, the top of the work tree
	Env       []string // the environment of chant itself
	Self      string   // the path of chant's own program, for checks that call chant; "" if unknown
	Processes process.Runner
	Holder    storage.Holder // of the locks; LockHolder sets Since
	Now       func() time.Time
	Emit      func(record.Event)
}

// LockHolder returns the holder of a lock that is taken now.
func (s Settings) LockHolder() storage.Holder {
	h := s.Holder
	h.Since = s.Now().UTC()
	return h
}

// checkVariable is the environment variable with the root of the project that a check belongs to.
const checkVariable = "CHANT_CHECK"

func (s Settings) checkMark() string { return checkVariable + "=" + s.Root }

// InCheck reports whether a check of this project called chant.
func (s Settings) InCheck() bool { return slices.Contains(s.Env, s.checkMark()) }

// NewRunner returns a Runner for a project with this config.
func (s Settings) NewRunner(config spec.Config) *Runner {
	return &Runner{
		Env:        append(WithProgram(process.Environ(s.Env), s.Self), s.checkMark()),
		Judge:      Judge{Runners: testlog.NewReaders()},
		Emit:       s.Emit,
		processes:  s.Processes,
		config:     config,
		secrets:    process.Secrets(s.Env),
		inCheck:    s.InCheck(),
		storeDir:   project.StorePath(s.Root),
		holder:     s.LockHolder(),
		testEvents: testlog.VerboseEvent(),
		now:        s.Now,
	}
}
