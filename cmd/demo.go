package cmd

import (
	"context"
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
	"chant/runner/project"
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
				return &project.UsageError{Msg: "demo takes one folder", Mend: "chant demo [DIR]"}
			}
			var variant *demo.Variant
			switch {
			case tampered:
				variant = new(demo.Tampered())
			case unrelated:
				variant = new(demo.Unrelated())
			}
			return a.demo(c.Context(), strings.Join(args, ""), variant)
		},
	}
	c.Flags().BoolVar(&tampered, "tampered", false, "use a fix that rewrites the test")
	c.Flags().BoolVar(&unrelated, "unrelated", false, "use a fix that changes something else")
	c.MarkFlagsMutuallyExclusive("tampered", "unrelated")
	return c
}

// demoRun is one run of the demo. After the first error, which it stores, its
// methods do nothing.
type demoRun struct {
	app       *App
	processes process.Runner
	s         *screen
	err       error
}

// demo runs the demo; variant is nil for the real fix.
func (a *App) demo(ctx context.Context, dir string, variant *demo.Variant) error {
	for _, program := range []string{"git", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("the demo needs %s: %w", program, err)
		}
	}
	dir, err := a.demoDir(dir)
	if err != nil {
		return err
	}
	processes, err := process.New(a.Now)
	if err != nil {
		return err
	}
	there := *a
	there.Dir = dir
	d := &demoRun{app: &there, processes: processes, s: a.stdout()}
	d.begin(ctx)
	for i, step := range demo.Steps() {
		if variant != nil && step.Spec == variant.Fix.Spec {
			d.variant(ctx, i+1, *variant)
			break
		}
		d.phase(ctx, i+1, step)
		d.chant(ctx, ExitHeld, "run", "--verbose", step.Spec)
	}
	if variant == nil {
		d.end(ctx)
	}
	if d.err != nil {
		return d.err
	}
	d.s.line()
	d.s.line(plain("Explore it: cd"), bold(dir))
	if variant == nil {
		d.s.line(plain("Revert the fix and run chant verify again: git revert --no-edit $(git log -1 --format=%h -- store/store.go)"))
	}
	return d.s.failed()
}

// demoDir returns an empty folder for the demo: dir, or a temporary one if dir is
// "".
func (a *App) demoDir(dir string) (made string, err error) {
	var entries []os.DirEntry
	if dir == "" {
		made, err = os.MkdirTemp("", "chant-demo-")
	} else {
		made = a.path(dir)
		if err = os.MkdirAll(made, 0o755); err == nil {
			entries, err = os.ReadDir(made)
		}
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("creating a folder for the demo: %w", err)
	case len(entries) > 0:
		return "", &project.UsageError{Msg: made + " is not empty", Mend: "name a folder that is empty or does not exist"}
	}
	return made, nil
}

// begin creates the repository with the bug.
func (d *demoRun) begin(ctx context.Context) {
	d.heading("Issue 42: two writers update one record, and one update is lost",
		"A small Go project with that bug, and six phases that lead from the report to the fix.")
	d.git(ctx, "init", "--quiet", "--initial-branch=main")
	// The repository must not depend on the git configuration of this machine.
	for _, kv := range [][2]string{
		{"user.name", "chant demo"}, {"user.email", "demo@example.invalid"},
		{"commit.gpgsign", "false"}, {"core.autocrlf", "false"}, {"core.hooksPath", ".git/hooks"},
	} {
		d.run(ctx, "git", "config", kv[0], kv[1])
	}
	d.write(demo.Base())
	d.git(ctx, "add", "--all")
	d.git(ctx, "commit", "--quiet", "-m", "A key-value store, with issue 42 in it")
	d.chant(ctx, ExitHeld, "status")
}

// phase does the work of a person in one phase.
func (d *demoRun) phase(ctx context.Context, number int, step demo.Step) {
	d.heading(fmt.Sprintf("Phase %d: %s", number, step.Title), step.Says)
	d.writeShown(step.Files)
	for _, word := range step.Attest {
		d.chant(ctx, ExitHeld, "attest", step.Spec, strconv.Itoa(word.Criterion), "-m", word.Note)
	}
}

// variant runs the rest of the demo with a bogus fix, which chant does not accept.
func (d *demoRun) variant(ctx context.Context, number int, variant demo.Variant) {
	if m := variant.Meanwhile; m != nil {
		d.heading("Meanwhile", m.Says)
		d.writeShown(m.Files)
		d.git(ctx, "commit", "--quiet", "-am", m.Message)
	}
	d.phase(ctx, number, variant.Fix)
	d.chant(ctx, ExitNotHeld, "run", "--verbose", variant.Fix.Spec)
	d.heading("The proof")
	d.chant(ctx, ExitNotHeld, "prove", "--worktree", "002", variant.Fix.Spec)
}

func (d *demoRun) end(ctx context.Context) {
	d.heading("All of it again, as CI would")
	d.chant(ctx, ExitHeld, "verify")
	d.heading("The record")
	d.chant(ctx, ExitHeld, "status")
	d.git(ctx, "log", "--reverse", "--format=%h %s")
	d.heading("The proof")
	d.chant(ctx, ExitHeld, "prove")
}

// heading shows a title and what is done below it.
func (d *demoRun) heading(title string, says ...string) {
	if d.err != nil {
		return
	}
	d.s.line()
	d.s.line(bold("== " + title))
	for _, one := range says {
		d.s.line(plain(one))
	}
}

// writeShown writes files and shows their names.
func (d *demoRun) writeShown(files []demo.File) {
	for _, f := range files {
		if d.err == nil {
			d.s.line(faint("  wrote " + f.Name))
		}
	}
	d.write(files)
}

// write writes files over existing ones.
func (d *demoRun) write(files []demo.File) {
	for _, f := range files {
		if d.err != nil {
			return
		}
		file := filepath.Join(d.app.Dir, filepath.FromSlash(f.Name))
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err == nil {
			err = atomicfile.Write(file, f.Data, 0o644)
		}
		if err != nil {
			d.err = fmt.Errorf("writing the demo's files: %w", err)
		}
	}
}

// chant shows and runs a command line of chant that must exit with want.
func (d *demoRun) chant(ctx context.Context, want int, args ...string) {
	if d.prompt("chant", args); d.err != nil {
		return
	}
	switch code := d.app.Run(ctx, args); code {
	case want:
		d.err = d.s.failed()
	case ExitHeld:
		d.err = fmt.Errorf("running the demo: chant %s succeeded, but should have failed", args[0])
	default:
		d.err = statusError(code)
	}
}

// git shows and runs a command line of git.
func (d *demoRun) git(ctx context.Context, args ...string) {
	d.prompt("git", args)
	d.run(ctx, append([]string{"git"}, args...)...)
}

func (d *demoRun) run(ctx context.Context, argv ...string) {
	if d.err != nil {
		return
	}
	out := process.NewBuffer(64<<10, 64<<10)
	res := d.processes.Run(ctx, process.Command{Argv: argv, Dir: d.app.Dir, Env: d.app.Env, Output: out})
	for line := range strings.Lines(out.String()) {
		d.s.line(plain(strings.TrimRight(line, "\r\n")))
	}
	switch {
	case res.Cancelled:
		d.err = context.Cause(ctx)
	case res.Err != nil:
		d.err = fmt.Errorf("running %s: %w", argv[0], res.Err)
	case res.Exit != 0:
		d.err = fmt.Errorf("running %s: exit %d", strings.Join(argv, " "), res.Exit)
	}
}

// prompt shows a command line that can be copied to a shell.
func (d *demoRun) prompt(program string, args []string) {
	if d.err != nil {
		return
	}
	words := []string{program}
	for _, arg := range args {
		words = append(words, shellWord(arg))
	}
	d.s.line()
	d.s.line(coloured("$", cyan), bold(strings.Join(words, " ")))
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
