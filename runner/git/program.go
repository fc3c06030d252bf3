package git

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chant/runner/process"
)

// Call is one run of the git program for another package.
type Call struct {
	Args  []string
	Dir   string // where it runs; "" is the top of the work tree
	Stdin io.Reader
	Env   []string // "NAME=value", in addition to the repository's
	// Wrap, if it is not nil, returns the program and arguments that git is started by.
	Wrap func(path string, argv []string) (string, []string)
}

// Run runs git and returns what it wrote to stdout. Messages are in English,
// fsmonitor and replacements are off, and no optional lock is taken. The error
// is a *CommandError where git itself failed, and ErrNoGit where there is none.
func (r *Repo) Run(ctx context.Context, c Call) ([]byte, error) {
	return r.git(ctx, call{args: c.Args, dir: c.Dir, stdin: c.Stdin, env: c.Env, wrap: c.Wrap, fetches: true})
}

// call is one run of the git program.
type call struct {
	args    []string
	dir     string // "" is the top of the work tree
	stdin   io.Reader
	env     []string // in addition to the repository's
	fetches bool     // a partial clone may fetch what it lacks
	writes  bool     // it writes the index, and so must not drop what fsmonitor has left there
	noHooks bool
	wrap    func(path string, argv []string) (string, []string)
	// asUser runs git with the user's environment and nothing of ours, because
	// it runs the user's hooks or filters.
	asUser bool
	// foreground leaves git in our session, so that a program that signs may
	// ask at the terminal. Not for a git that takes locks.
	foreground bool
}

// drain is how long the pipes of a git process that has ended are read on:
// git's own output is in them by then, and a process that a hook left running
// isn't waited for.
const drain = time.Second

// fatal is git's exit status where it could not do its work.
const fatal = 128

// git runs the git program and returns its stdout. The error is a
// CommandError where git itself failed.
func (r *Repo) git(ctx context.Context, c call) ([]byte, error) {
	cmd, err := r.command(c)
	if err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = runUntil(ctx, cmd)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("git %s: %w", c.args[0], context.Cause(ctx))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, r.failure(c, exit.ExitCode(), stderr.String())
	}
	if err != nil {
		return nil, fmt.Errorf("git %s: %w", c.args[0], err)
	}
	return stdout.Bytes(), nil
}

// command prepares a run of git.
//
// A git that is killed leaves its lock files behind. So it gets a session of
// its own, where a Ctrl-C at the terminal doesn't reach it and a hook that
// asks at the terminal fails instead of being stopped there for ever.
func (r *Repo) command(c call) (*exec.Cmd, error) {
	if r.program == "" {
		return nil, ErrNoGit
	}
	var args []string
	env := r.user
	if !c.asUser {
		env = r.quiet
		if !c.fetches {
			env = append(slices.Clone(env), "GIT_NO_LAZY_FETCH=1")
		}
		if !c.writes {
			args = append(args, "-c", "core.fsmonitor=false")
		}
	}
	if c.noHooks {
		args = append(args, "-c", "core.hooksPath=/dev/null")
	}
	if c.asUser && c.dir != "" { // what fsmonitor knows is about the user's work tree alone
		args = append(args, "-c", "core.fsmonitor=false")
	}
	// The command's own handling of contexts would end in SIGKILL.
	cmd := exec.CommandContext(context.Background(), r.program, append(args, c.args...)...)
	if c.wrap != nil {
		cmd.Path, cmd.Args = c.wrap(cmd.Path, cmd.Args)
	}
	cmd.Dir = cmp.Or(c.dir, r.top)
	cmd.Env = slices.Concat(env, c.env)
	cmd.Stdin = c.stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: !c.foreground}
	cmd.WaitDelay = drain
	return cmd, nil
}

// runUntil runs cmd. The end of ctx sends SIGTERM, after which git removes its
// locks; nothing sends SIGKILL.
func runUntil(ctx context.Context, cmd *exec.Cmd) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := process.StartAside(cmd); err != nil { // a check may end at the same time
		return err
	}
	target := cmd.Process.Pid
	if cmd.SysProcAttr.Setsid {
		target = -target // the whole group
	}
	stop := context.AfterFunc(ctx, func() {
		_ = syscall.Kill(target, syscall.SIGTERM) // the only error is that it has ended already
	})
	err := cmd.Wait()
	stop()
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well
		return nil
	}
	return err
}

// failure makes an error of what git said.
func (r *Repo) failure(c call, code int, stderr string) error {
	message := tellingLine(stderr)
	switch {
	case strings.Contains(message, "dubious ownership"), strings.Contains(message, "owned by someone else"):
		return fmt.Errorf("%w: %s (if you trust it: git config --global --add safe.directory %[2]s)", errOwner, r.top)
	case c.asUser:
		message = lastLines(process.MaskText(stderr, process.Secrets(r.given), nil)) // hooks may print any variable
	}
	err := &CommandError{Command: c.args[0], Code: code, Message: message}
	if lock := lockIn(stderr); lock != "" {
		return &LockedError{Path: lock, Err: err}
	}
	return err
}

// lockIn returns the lock file that git could not create because it exists;
// "" where stderr, in English, says nothing of the kind.
func lockIn(stderr string) string {
	_, rest, _ := strings.Cut(stderr, "Unable to create '")
	lock, why, _ := strings.Cut(rest, "': ")
	if strings.HasSuffix(lock, ".lock") && strings.HasPrefix(why, "File exists") {
		return lock
	}
	return ""
}

// tellingLine returns git's reason out of stderr: the first line that says
// so, else the first that isn't blank.
func tellingLine(stderr string) string {
	first := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"fatal: ", "error: "} {
			if reason, ok := strings.CutPrefix(line, prefix); ok {
				return reason
			}
		}
		first = cmp.Or(first, line)
	}
	return first
}

// lastLines returns the last lines of what git and the user's hooks wrote.
func lastLines(stderr string) string {
	const enough = 4000 // bytes
	text := strings.TrimSpace(stderr)
	if len(text) > enough {
		text = text[len(text)-enough:]
		text = "…" + text[strings.IndexByte(text, '\n')+1:]
	}
	return text
}

// userEnv returns env without the variables that would direct git to another
// repository or index, or change what a path means; checkEnvironment has
// refused those that matter.
func userEnv(env []string) []string {
	dropped := []string{
		"GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE",
		"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE",
		"GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_INTERNAL_SUPER_PREFIX",
		"GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
		"GIT_CONFIG", // read by git config alone
	}
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(dropped, name)
	})
}

// lookEnv returns a variable; the last entry counts.
func lookEnv(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// lookPath finds a program on the PATH of env; "" where it isn't there.
// exec.LookPath would search this process's PATH.
func lookPath(program string, env []string) string {
	for _, dir := range filepath.SplitList(lookEnv(env, "PATH")) {
		if file := filepath.Join(dir, program); filepath.IsAbs(file) && executable(file) {
			return file
		}
	}
	return ""
}

func executable(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
