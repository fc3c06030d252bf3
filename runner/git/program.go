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
)

// drain is how long the pipes of a git child that has ended are read further:
// git's own words are in them by then, and what a hook left running in the
// background isn't waited for.
const drain = time.Second

// call is one run of the git program.
type call struct {
	args  []string
	dir   string // "" is the top of the work tree
	stdin io.Reader
	env   []string // besides the repository's
	// plain gives git the user's environment and no configuration of ours,
	// because git's children are the user's hooks and filters.
	plain bool
}

// git runs the git program at the top of the work tree and gives its stdout.
// The error is a CommandError where git itself failed.
//
// A git that is killed leaves its lock files behind. So it gets a session of
// its own, where a Ctrl-C at the terminal doesn't reach it and a hook that
// asks at the terminal fails instead of being stopped there for ever. The end
// of ctx sends SIGTERM, after which git cleans up, and nothing sends SIGKILL.
// Short writing calls pass a context without cancellation.
func (r *Repo) git(ctx context.Context, c call) ([]byte, error) {
	if r.program == "" {
		return nil, ErrNoGit
	}
	args, env := []string{"--literal-pathspecs"}, r.base
	if !c.plain {
		args, env = append(args, "-c", "core.fsmonitor=false"), r.env
	}
	// The command's own handling of contexts would end in SIGKILL.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), r.program, append(args, c.args...)...)
	cmd.Dir = cmp.Or(c.dir, r.top)
	cmd.Env = slices.Concat(env, c.env)
	cmd.Stdin = c.stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = drain
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := runGroup(ctx, cmd)
	name := c.args[0]
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("git %s: %w", name, ctx.Err())
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		message := tellingLine(stderr.String())
		if c.plain {
			message = ending(stderr.String())
		}
		return nil, &CommandError{Command: name, Code: exit.ExitCode(), Message: message}
	}
	if err != nil {
		return nil, fmt.Errorf("git %s: %w", name, err)
	}
	return stdout.Bytes(), nil
}

// runGroup runs cmd, which leads a process group, and tells the group to end
// when ctx does.
func runGroup(ctx context.Context, cmd *exec.Cmd) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		// The only error is that the group is gone already.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	})
	err := cmd.Wait()
	stop()
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well
		return nil
	}
	return err
}

// tellingLine picks git's reason from what it wrote to stderr: the first line
// that says so, else the first that isn't blank.
func tellingLine(stderr string) string {
	first := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"fatal: ", "error: "} {
			if reason, ok := strings.CutPrefix(line, prefix); ok {
				return reason
			}
		}
		if first == "" {
			first = line
		}
	}
	return first
}

// ending gives the last lines of what git and the user's hooks wrote.
func ending(stderr string) string {
	const enough = 4000
	text := strings.TrimSpace(stderr)
	if len(text) > enough {
		text = "…" + text[strings.IndexByte(text[len(text)-enough:], '\n')+1+len(text)-enough:]
	}
	return text
}

// userEnv gives env without the variables that would lead git to another
// repository, index or meaning of paths; ownEnvironment has seen those that
// matter.
func userEnv(env []string) []string {
	dropped := []string{
		"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE",
		"GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_PREFIX",
		"GIT_CONFIG", // obeyed by git config alone
	}
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(dropped, name)
	})
}

// childEnv gives the environment of the git children that only answer.
func childEnv(env []string) []string {
	return append(userEnv(env), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0")
}

// lookPath finds a program on the PATH of env, as the last entry has it;
// "" where it isn't there. exec.LookPath would ask this process's PATH.
func lookPath(program string, env []string) string {
	var dirs string
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			dirs = v
		}
	}
	for _, dir := range filepath.SplitList(dirs) {
		file := filepath.Join(dir, program)
		if info, err := os.Stat(file); err == nil && filepath.IsAbs(file) && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}
