package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"chant/cmd/demo"
	"chant/runner/process"
	"chant/storage/atomicfile"
)

func (a *App) demoCommand() *cobra.Command {
	var tampered, unrelated bool
	c := &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Drive a small real bug through all six phases, in a new repository",
		Long: `Demo creates a git repository (in DIR, or in a temporary folder) with a small Go
project that has a lost-update bug, and works through all six phases up to the
proof of the fix. It shows every command as you would type it, and runs it. It
needs git and go. Two flags run the demo with a bogus fix.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{msg: "demo takes one folder", hint: "chant demo [DIR]"}
			}
			var variant *demo.Variant
			switch {
			case tampered:
				variant = new(demo.Tampered())
			case unrelated:
				variant = new(demo.Unrelated())
			}
			return a.demo(c.Context(), args, variant)
		},
	}
	c.Flags().BoolVar(&tampered, "tampered", false, "use a fix that rewrites the test")
	c.Flags().BoolVar(&unrelated, "unrelated", false, "use a fix that changes something else")
	c.MarkFlagsMutuallyExclusive("tampered", "unrelated")
	return c
}

// demoRun is one run of the demo.
type demoRun struct {
	app       *App
	dir       string
	processes *process.Supervisor
	s         *screen
}

// demo runs the demo; variant is nil for the real fix.
func (a *App) demo(ctx context.Context, args []string, variant *demo.Variant) error {
	for _, program := range []string{"git", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("the demo needs %s: %w", program, err)
		}
	}
	dir, err := a.demoDir(args)
	if err != nil {
		return err
	}
	processes, err := process.New(a.Now)
	if err != nil {
		return err
	}
	there := *a
	there.Dir = dir
	d := &demoRun{app: &there, dir: dir, processes: processes, s: a.stdout()}
	if err := d.begin(ctx); err != nil {
		return err
	}
	for i, step := range demo.Steps() {
		if variant != nil && step.Spec == variant.Fix.Spec {
			return d.variant(ctx, i+1, *variant)
		}
		if err := d.phase(ctx, i+1, step); err != nil {
			return err
		}
		if err := d.held(ctx, "run", "--verbose", step.Spec); err != nil {
			return err
		}
	}
	return d.end(ctx)
}

// demoDir returns an empty folder for the demo.
func (a *App) demoDir(args []string) (string, error) {
	if len(args) == 0 {
		dir, err := os.MkdirTemp("", "chant-demo-")
		if err != nil {
			return "", fmt.Errorf("creating a folder for the demo: %w", err)
		}
		return dir, nil
	}
	dir := a.path(args[0])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("creating a folder for the demo: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("creating a folder for the demo: %w", err)
	}
	if len(entries) > 0 {
		return "", &usageError{msg: dir + " is not empty", hint: "name a folder that is empty or does not exist"}
	}
	return dir, nil
}

// begin creates the repository with the bug.
func (d *demoRun) begin(ctx context.Context) error {
	d.heading("Issue 42: two writers update one record, and one update is lost")
	d.say("A small Go project with that bug, and six phases that lead from the report to the fix.")
	if err := d.shell(ctx, "git", "init", "--quiet", "--initial-branch=main"); err != nil {
		return err
	}
	// The repository must not depend on the git configuration of this machine.
	for _, kv := range [][2]string{
		{"user.name", "chant demo"}, {"user.email", "demo@example.invalid"},
		{"commit.gpgsign", "false"}, {"core.autocrlf", "false"}, {"core.hooksPath", ".git/hooks"},
	} {
		if err := d.quiet(ctx, "git", "config", kv[0], kv[1]); err != nil {
			return err
		}
	}
	if err := d.write(demo.Base()); err != nil {
		return err
	}
	if err := d.shell(ctx, "git", "add", "--all"); err != nil {
		return err
	}
	if err := d.shell(ctx, "git", "commit", "--quiet", "-m", "A key-value store, with issue 42 in it"); err != nil {
		return err
	}
	return d.held(ctx, "status")
}

// phase does the work of a person in one phase.
func (d *demoRun) phase(ctx context.Context, number int, step demo.Step) error {
	d.heading(fmt.Sprintf("Phase %d: %s", number, step.Title))
	d.say(step.Says)
	if err := d.writeShown(step.Files); err != nil {
		return err
	}
	for _, word := range step.Attest {
		if err := d.held(ctx, "attest", step.Spec, strconv.Itoa(word.Criterion), "-m", word.Note); err != nil {
			return err
		}
	}
	return nil
}

// variant runs the rest of the demo with a bogus fix, which chant does not accept.
func (d *demoRun) variant(ctx context.Context, number int, variant demo.Variant) error {
	if m := variant.Meanwhile; m != nil {
		d.heading("Meanwhile")
		d.say(m.Says)
		if err := d.writeShown(m.Files); err != nil {
			return err
		}
		if err := d.shell(ctx, "git", "commit", "--quiet", "-am", m.Message); err != nil {
			return err
		}
	}
	if err := d.phase(ctx, number, variant.Fix); err != nil {
		return err
	}
	if err := d.notHeld(ctx, "run", "--verbose", variant.Fix.Spec); err != nil {
		return err
	}
	d.heading("The proof")
	if err := d.notHeld(ctx, "prove", "--worktree", "002", variant.Fix.Spec); err != nil {
		return err
	}
	return d.finish()
}

func (d *demoRun) end(ctx context.Context) error {
	d.heading("All of it again, as CI would")
	if err := d.held(ctx, "verify"); err != nil {
		return err
	}
	d.heading("The record")
	if err := d.held(ctx, "status"); err != nil {
		return err
	}
	if err := d.shell(ctx, "git", "log", "--reverse", "--format=%h %s"); err != nil {
		return err
	}
	d.heading("The proof")
	if err := d.held(ctx, "prove"); err != nil {
		return err
	}
	if err := d.finish(); err != nil {
		return err
	}
	d.s.line(plain("Revert the fix and run chant verify again: git revert --no-edit $(git log -1 --format=%h -- store/store.go)"))
	return d.s.failed()
}

func (d *demoRun) finish() error {
	d.s.line()
	d.s.line(plain("Explore it: cd"), bold(d.dir))
	return d.s.failed()
}

func (d *demoRun) heading(title string) {
	d.s.line()
	d.s.line(bold("== " + title))
}

func (d *demoRun) say(sentence string) { d.s.line(plain(sentence)) }

// writeShown writes files and shows their names.
func (d *demoRun) writeShown(files []demo.File) error {
	for _, f := range files {
		d.s.line(faint("  wrote " + f.Name))
	}
	return d.write(files)
}

// write writes files over existing ones.
func (d *demoRun) write(files []demo.File) error {
	for _, f := range files {
		file := filepath.Join(d.dir, filepath.FromSlash(f.Name))
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err == nil {
			err = atomicfile.Write(file, f.Data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("writing the demo's files: %w", err)
		}
	}
	return nil
}

// held runs a command line of chant that must exit with 0.
func (d *demoRun) held(ctx context.Context, args ...string) error {
	if code := d.chant(ctx, args); code != ExitHeld {
		return errors.Join(d.s.failed(), statusError(code))
	}
	return d.s.failed()
}

// notHeld runs a command line of chant that must exit with 1.
func (d *demoRun) notHeld(ctx context.Context, args ...string) error {
	switch code := d.chant(ctx, args); code {
	case ExitNotHeld:
		return d.s.failed()
	case ExitHeld:
		return fmt.Errorf("running the demo: chant %s succeeded, but should have failed", args[0])
	default:
		return errors.Join(d.s.failed(), statusError(code))
	}
}

func (d *demoRun) chant(ctx context.Context, args []string) int {
	d.prompt(append([]string{"chant"}, args...))
	return d.app.Run(ctx, args)
}

func (d *demoRun) shell(ctx context.Context, argv ...string) error {
	d.prompt(argv)
	return d.quiet(ctx, argv...)
}

func (d *demoRun) quiet(ctx context.Context, argv ...string) error {
	out := process.NewBuffer(64<<10, 64<<10)
	res := d.processes.Run(ctx, process.Command{Argv: argv, Dir: d.dir, Env: d.app.Env, Output: out})
	for line := range strings.Lines(out.String()) {
		d.s.line(plain(strings.TrimRight(line, "\r\n")))
	}
	switch {
	case res.Cancelled:
		return context.Cause(ctx)
	case res.Err != nil:
		return fmt.Errorf("running %s: %w", argv[0], res.Err)
	case res.Exit != 0:
		return fmt.Errorf("running %s: exit %d", strings.Join(argv, " "), res.Exit)
	}
	return nil
}

// prompt shows a command line that can be copied to a shell.
func (d *demoRun) prompt(argv []string) {
	quoted := make([]string, len(argv))
	for i, arg := range argv {
		quoted[i] = shellWord(arg)
	}
	d.s.line()
	d.s.line(coloured("$", cyan), bold(strings.Join(quoted, " ")))
}

// shellWord quotes an argument if it contains a character that is special in a
// shell.
func shellWord(arg string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./=:,@%+", r)
	}
	if arg != "" && !strings.ContainsFunc(arg, special) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
