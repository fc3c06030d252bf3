package runner

import (
	"slices"
	"time"

	"chant/runner/process"
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
	Emit      func(Event)
}

func (s Settings) holder() storage.Holder {
	h := s.Holder
	h.Since = s.Now().UTC()
	return h
}

// checkVariable names, in a check's environment, the project that it is of.
const checkVariable = "CHANT_CHECK"

func (s Settings) checkMark() string { return checkVariable + "=" + s.Root }

// inCheck tells whether a check of this project called chant.
func (s Settings) inCheck() bool { return slices.Contains(s.Env, s.checkMark()) }

func (s Settings) checker(config spec.Config) *checker {
	return &checker{
		processes: s.Processes,
		config:    config,
		env:       append(withProgram(process.Environ(s.Env), s.Self), s.checkMark()),
		inside:    s.inCheck(),
		secrets:   process.Secrets(s.Env),
		storeDir:  storeDir(s.Root),
		holder:    s.holder(),
		judge:     judge{runners: newRecognisers()},
		told:      verboseEvent(),
		now:       s.Now,
		emit:      s.Emit,
	}
}
