// Package cmd is chant's command line: it turns arguments into calls of the
// engine, shows the results, and maps errors to exit codes. No other package
// prints anything.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/check"
	"chant/runner/git"
	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/runner/sandbox"
	"chant/spec"
	"chant/storage"
)

// App holds the streams, environment and identity of one invocation. Only main
// reads them from the process.
type App struct {
	In   io.Reader // read only by mcp
	Out  io.Writer
	Err  io.Writer
	Env  []string
	Dir  string // absolute path of the current folder
	Self string // path of the chant program, which checks may call; "" if unknown
	Host string
	PID  int
	Now  func() time.Time

	args  []string
	began bool // whether the command line was valid, so that its command started
}

// Run runs one command line and returns its exit code.
func (a App) Run(ctx context.Context, args []string) int {
	a.args, a.began = args, false
	if len(args) > 0 && args[0] == sandbox.Argument {
		err := sandbox.Exec(args[1:], a.Env)
		report(a.stderr(), err)
		return exitNoCommand
	}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	err := root.ExecuteContext(ctx)
	if _, typed := errors.AsType[*project.UsageError](err); err != nil && !a.began && !typed {
		err = &project.UsageError{Msg: err.Error(), Mend: "chant --help lists the commands"} // cobra's errors have no type
	}
	report(a.stderr(), err)
	return exitCode(err)
}

func (a *App) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "chant",
		Short:         "Drive a bug from report to merged fix in phases, and prove the fix",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var dir string
	root.PersistentFlags().StringVarP(&dir, "directory", "C", "", "run as if started in `DIR`")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if err := c.ValidateFlagGroups(); err != nil {
			return err
		}
		a.began = true
		return a.enter(dir)
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &project.UsageError{Msg: err.Error(), Mend: c.CommandPath() + " --help lists the flags"}
	})
	root.AddCommand(
		a.initCommand(), a.demoCommand(), a.newCommand(),
		a.listCommand(), a.showCommand(), a.statusCommand(),
		a.runCommand(), a.attestCommand(), a.verifyCommand(), a.proveCommand(),
		a.lintCommand(), a.graphCommand(), a.logCommand(), a.versionCommand(),
		a.promptCommand(), a.approveCommand(), a.rejectCommand(), a.skipCommand(),
		a.docCommand(), a.mcpCommand(), a.storeCommand(),
	)
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	refuseUnknown(root)
	return root
}

// refuseUnknown makes cobra's own commands fail for an unknown argument. By
// default they print help and exit 0: the help of "completion NAME" would end up
// in a shell's start-up file.
func refuseUnknown(root *cobra.Command) {
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args = nil
			c.RunE = func(c *cobra.Command, _ []string) error {
				return &project.UsageError{Msg: "completion needs the name of a shell", Mend: c.CommandPath() + " --help lists them"}
			}
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				found, rest, err := root.Find(args)
				if err == nil && len(rest) > 0 {
					err = &project.UsageError{
						Msg:  fmt.Sprintf("unknown command %q for %q", rest[0], found.CommandPath()),
						Mend: found.CommandPath() + " --help",
					}
				}
				return err
			}
		}
	}
}

// enter makes the argument of -C the current folder of the App; "" changes
// nothing.
func (a *App) enter(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(a.path(dir))
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return &project.UsageError{Msg: fmt.Sprintf("cannot change to %q: %s", dir, withoutPath(err))}
	}
	a.Dir = a.path(dir)
	return nil
}

// path makes a path of the command line absolute.
func (a *App) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(a.Dir, p)
}

// project finds and loads the project of the current folder.
func (a *App) project() (*project.Project, error) {
	root, err := project.FindRoot(a.Dir)
	if err != nil {
		return nil, err
	}
	return project.Load(root)
}

// spec finds one spec and its project.
func (a *App) spec(query string) (*project.Project, *spec.Spec, error) {
	p, err := a.project()
	if err != nil {
		return nil, nil, err
	}
	s, err := p.Set.Resolve(query)
	return p, s, err
}

// workshop holds what commands that run checks need: settings and the repository.
type workshop struct {
	settings check.Settings
	repo     *git.Repo
}

// workshop opens the project's repository; only commands that run checks or
// commit call it. Close the repository after use.
func (a *App) workshop(root string, emit func(record.Event)) (workshop, error) {
	repo, err := git.Open(root, a.Env)
	if err != nil {
		return workshop{}, err
	}
	settings := a.settings(root)
	settings.Emit = emit
	if settings.Processes, err = process.New(a.Now); err != nil {
		return workshop{}, errors.Join(err, repo.Close())
	}
	return workshop{settings, repo}, nil
}

// settings returns the settings of commands that run nothing.
func (a *App) settings(root string) check.Settings {
	return check.Settings{
		Root: root, Env: a.Env, Now: a.Now, Self: a.Self,
		Holder: storage.Holder{PID: a.PID, Host: a.Host, Command: strings.Join(append([]string{"chant"}, a.args...), " ")},
	}
}

// engine returns the engine that runs specs and records decisions of people, and
// the function that closes it.
func (a *App) engine(root string, emit func(record.Event)) (*runner.Engine, func() error, error) {
	w, err := a.workshop(root, emit)
	if err != nil {
		return nil, nil, err
	}
	e := a.asker(root)
	e.Settings, e.Git = w.settings, w.repo
	return e, w.repo.Close, nil
}

// asker returns an engine without git, which can only find out whether an agent
// started this process.
func (a *App) asker(root string) *runner.Engine {
	return &runner.Engine{
		Settings: a.settings(root),
		NewRunID: func(at time.Time) string {
			return fmt.Sprintf("%s-%d", at.UTC().Format("20060102T150405.000000Z"), a.PID)
		},
	}
}
