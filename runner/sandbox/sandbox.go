// Package sandbox runs commands that can change nothing but the folders that they are
// given, by Linux Landlock. That holds for everything that such a command starts, as
// long as it lives. Reading, the network and starting programs stay as they are.
//
// The command is started by chant's own program, which restricts itself and becomes
// the command: see Exec.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chant/runner/process"
)

// Argument is the first argument of chant's own program where it is to call Exec.
const Argument = "__sandbox"

// The kernel's versions of Landlock that matter here; see landlock(7).
const (
	abiRename  = 2 // files can be moved between folders
	abiSignals = 6 // signals and abstract sockets reach no process outside
)

// Options say what commands may change, and where they find what they need.
type Options struct {
	Self    string   // the path of chant's own program
	Env     []string // chant's own environment, with the user's HOME
	Project string   // the project, which no command may change
	Folder  string   // an empty folder, which is theirs
	Caches  string   // the folder of their caches, which is made if it is not there
	Write   []string // more folders that they may change, from HOME unless absolute; made if they are not there
	Off     bool     // they may change anything
}

// Sandbox runs commands. Its methods are safe for concurrent use.
type Sandbox struct {
	inner process.Runner
	self  string
	write []string // absolute, without symbolic links; nil where nothing is enforced
	env   []string // what commands get in place of the user's
}

// Open prepares a sandbox below opts.Folder.
func Open(inner process.Runner, opts Options) (*Sandbox, error) {
	s := &Sandbox{inner: inner, self: opts.Self}
	if _, without := Gaps(); opts.Off || without {
		return s, nil
	}
	if s.self == "" {
		return nil, errors.New("the sandbox can't be made: the path of chant's own program is unknown")
	}
	user := process.Getenv(opts.Env, "HOME")
	temp, home := filepath.Join(opts.Folder, "tmp"), filepath.Join(opts.Folder, "home")
	open := []string{opts.Folder, opts.Caches}
	for _, dir := range opts.Write {
		if dir = strings.TrimPrefix(dir, "~/"); !filepath.IsAbs(dir) {
			dir = filepath.Join(user, dir)
		}
		open = append(open, dir)
	}
	for _, dir := range append(slices.Clone(open), temp, home) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making a folder that the sandbox leaves open: %w", err)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, dir := range open {
		at, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, err
		}
		if reaches(string(mounts), at, opts.Project) {
			return nil, fmt.Errorf("the sandbox can't leave %s open: %w", dir, ErrProject)
		}
		s.write = append(s.write, at)
	}
	if err := linkHome(user, home, s.write); err != nil {
		return nil, fmt.Errorf("making the sandbox's HOME: %w", err)
	}
	s.env = append(caches(opts.Caches, user, opts.Env), "HOME="+home, "TMPDIR="+temp)
	return s, nil
}

// ErrProject is returned for a folder that no command may change, because the project, or a
// part of it, is in it or is mounted in it.
var ErrProject = errors.New("the project can be changed through it")

// Enforces reports whether there is anything that commands can't change.
func (s *Sandbox) Enforces() bool { return s.write != nil }

// Environ returns env with the sandbox's HOME, TMPDIR and caches, and without the addresses of
// services that start programs for whoever asks, outside of any sandbox.
func (s *Sandbox) Environ(env []string) []string {
	if !s.Enforces() {
		return env
	}
	without := slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "DOCKER_HOST", "CONTAINER_HOST", "TMUX", "STY",
			"SSH_AUTH_SOCK", "GPG_AGENT_INFO", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY":
			return true
		}
		return false
	})
	return append(without, s.env...)
}

// Run runs a command as process.Supervisor does.
func (s *Sandbox) Run(ctx context.Context, c process.Command) process.Result {
	if !s.Enforces() {
		return s.inner.Run(ctx, c)
	}
	path, err := c.Path, error(nil)
	if path == "" {
		if path, err = process.Look(c.Argv[0], c.Env); err != nil {
			return process.Result{Exit: -1, Err: fmt.Errorf("starting %s: %w", c.Argv[0], err)}
		}
	}
	c.Path, c.Argv = s.Wrap(path, c.Argv)
	return s.inner.Run(ctx, c)
}

// Wrap returns the program and arguments that run a program in the sandbox.
func (s *Sandbox) Wrap(path string, argv []string) (string, []string) {
	if !s.Enforces() {
		return path, argv
	}
	return s.self, slices.Concat([]string{argv[0], Argument}, s.write, []string{"--", path}, argv)
}

// errUsage is returned for arguments that Run does not make.
var errUsage = errors.New("usage: " + Argument + " FOLDER… -- PROGRAM NAME ARGUMENT…")

// Exec restricts this process as the arguments after Argument say, and replaces it by the
// command in them. It returns only an error.
func Exec(args, env []string) error {
	end := slices.Index(args, "--")
	if end < 0 || len(args) < end+3 {
		return errUsage
	}
	if err := restrict(args[:end]); err != nil {
		return fmt.Errorf("entering the sandbox: %w", err)
	}
	return become(args[end+1], args[end+2:], env)
}

// Gaps says in words what this kernel can't enforce; "" where it can all. Without is true
// where it can't enforce anything.
func Gaps() (text string, without bool) { return gaps(version()) }

func gaps(abi int) (text string, without bool) {
	switch {
	case abi < abiRename:
		return "this system has no Landlock to keep an agent out of other files: its checkout is all that it is kept in", true
	case abi < abiSignals:
		return fmt.Sprintf("this kernel's Landlock (ABI %d of %d) does not stop signals to processes outside", abi, abiSignals), false
	}
	return "", false
}
