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

// Settings is the world that checks run in. They are set once.
type Settings struct {
	Root      string   // the project's folder, which is the top of the work tree
	Env       []string // the environment that chant was started in
	Self      string   // chant's own program, for checks that call chant; "" where it is not known
	Processes *process.Supervisor
	Holder    storage.Holder // who takes the locks; Since is filled in
	Now       func() time.Time
	Emit      func(record.Event)
}

// LockHolder says who takes a lock, and since when.
func (s Settings) LockHolder() storage.Holder {
	h := s.Holder
	h.Since = s.Now().UTC()
	return h
}

// checkVariable names, in a check's environment, the project that it is of.
const checkVariable = "CHANT_CHECK"

func (s Settings) checkMark() string { return checkVariable + "=" + s.Root }

// InCheck tells whether a check of this project called chant.
func (s Settings) InCheck() bool { return slices.Contains(s.Env, s.checkMark()) }

func (s Settings) NewRunner(config spec.Config) *Runner {
	return &Runner{
		processes: s.Processes,
		config:    config,
		Env:       append(WithProgram(process.Environ(s.Env), s.Self), s.checkMark()),
		inside:    s.InCheck(),
		secrets:   process.Secrets(s.Env),
		storeDir:  project.StorePath(s.Root),
		holder:    s.LockHolder(),
		Judge:     Judge{Runners: testlog.NewReaders()},
		told:      testlog.VerboseEvent(),
		now:       s.Now,
		Emit:      s.Emit,
	}
}
