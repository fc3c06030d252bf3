package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/project"
)

type newBugOptions struct {
	bug    runner.Bug
	from   string
	single bool
}

func (a *App) newBugCommand() *cobra.Command {
	var opts newBugOptions
	c := &cobra.Command{
		Use:   "bug --issue N --title TITLE",
		Short: "Create the six phases of a bug as linked specs, with their documents",
		Long: `New bug creates one spec for each phase of a bug, each of which depends on the
one before, and the documents that the phases fill in. They are made from the
templates in .chant/templates, which the project may change; for a missing
template chant uses its own. Either all files are created or none.

The path of the test decides how it is run: go test, pytest, node --test and
cargo test are known. Without --test the test is named after the issue, if the
project has a go.mod, pyproject.toml, setup.cfg, package.json or Cargo.toml.`,
		Example: `  chant new bug --issue 42 --title "One of two updates is lost" --files 'storage/**'
  chant new bug --issue GH-7 --title "Typo in --help" --single --files main.go`,
		RunE: func(_ *cobra.Command, args []string) error {
			const hint = `chant new bug --issue 42 --title "One of two updates is lost"`
			switch {
			case len(args) > 0:
				return &project.UsageError{Msg: "new bug takes only flags", Mend: hint + `, or chant new "bug …" for one spec`}
			case opts.bug.Issue == "" || strings.TrimSpace(opts.bug.Title) == "":
				return &project.UsageError{Msg: "new bug needs an issue and a title", Mend: hint}
			}
			return a.newBug(opts)
		},
	}
	f := c.Flags()
	f.StringVar(&opts.bug.Issue, "issue", "", "the issue's `NUMBER`, or a word such as GH-42")
	f.StringVar(&opts.bug.Title, "title", "", "the bug in a few words")
	f.StringVar(&opts.bug.Test, "test", "", "the `PATH` of the test that will reproduce it, relative to the project")
	f.StringArrayVar(&opts.bug.Files, "files", nil, "what the fix may change, if known: a path or `GLOB`; may be repeated")
	f.StringVar(&opts.bug.URL, "url", "", "the issue's `URL`")
	f.StringVar(&opts.from, "from", "", "copy the issue's text from this `FILE` to the documents")
	f.BoolVar(&opts.single, "single", false, "create one spec for a small bug; a person then has to attest that its test failed before")
	return c
}

func (a *App) newBug(opts newBugOptions) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	bug := opts.bug
	bug.Number = nextNumber(p.Set)
	if opts.single {
		bug.Name = slug(bug.Title)
	}
	if bug.Test == "" {
		bug.Test = runner.DefaultTest(bug.Issue, func(name string) bool {
			_, err := os.Stat(filepath.Join(p.Root, name))
			return err == nil
		})
	}
	if bug.Test == "" {
		return &project.UsageError{Msg: "the project's files do not show where its tests belong", Mend: "--test PATH"}
	}
	if opts.from != "" {
		if bug.Report, err = readReport(a.path(opts.from)); err != nil {
			return err
		}
	}
	templates, err := readTemplates(p.Root, bug.Templates())
	if err != nil {
		return err
	}
	plan, err := runner.Scaffold(bug, templates)
	if err != nil {
		return err
	}
	if err := createAll(p.Root, plan.Files); err != nil {
		return err
	}
	s := a.stdout()
	for _, file := range plan.Files {
		s.line(coloured("created", green), plain(file.Path))
	}
	s.line()
	s.line(plain("Next: " + nextStep(plan) + "."))
	return s.failed()
}

// nextStep says what a person has to do first.
func nextStep(plan runner.Plan) string {
	steps := []string{"commit .chant", "fill in " + plan.Document, "chant run " + plan.First}
	if plan.Unbounded != "" {
		steps = slices.Insert(steps, 0, "add the fix's files to target_files in "+plan.Unbounded)
	}
	if len(plan.Commands) > 0 {
		steps = slices.Insert(steps, 0, "write the command that runs the test in "+strings.Join(plan.Commands, " and "))
	}
	return strings.Join(steps[:len(steps)-1], "; ") + "; then " + steps[len(steps)-1]
}

// longestReport is the largest size of an issue's text in bytes.
const longestReport = 1 << 20

// readReport reads the issue's text. Without an error the result is not nil.
func readReport(name string) ([]byte, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &project.UsageError{Msg: "reading the report: no such file: " + name, Mend: "--from FILE"}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, longestReport+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the report: %w", err)
	case len(text) > longestReport:
		return nil, &project.UsageError{Msg: "the report is longer than 1 MiB", Mend: "shorten it to what the bug needs"}
	}
	return text, nil
}

// readTemplates returns the project's templates, and chant's own for those that
// the project does not have.
func readTemplates(root string, names []string) (map[string]string, error) {
	templates := map[string]string{}
	for _, name := range names {
		src, err := project.ReadText(root, path.Join(runner.TemplatesDir, name))
		if errors.Is(err, fs.ErrNotExist) {
			src, err = template.ReadFile(path.Join("template/templates", name))
		}
		if err != nil {
			return nil, fmt.Errorf("reading a template: %w", err)
		}
		templates[name] = string(src)
	}
	return templates, nil
}

// createAll creates all files or, if one of them can't be created, none.
func createAll(root string, files []runner.NewFile) (err error) {
	var taken []string
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(f.Path))); err == nil {
			taken = append(taken, f.Path)
		}
	}
	if len(taken) > 0 {
		return &project.UsageError{
			Msg: "nothing was written, because of existing files: " + strings.Join(taken, ", "), Mend: "move them away, or use another issue",
		}
	}
	var made []string
	defer func() {
		for _, file := range slices.Backward(made) {
			if err != nil {
				err = errors.Join(err, os.Remove(file))
			}
		}
	}()
	for _, f := range files {
		if err := createFile(root, f.Path, f.Data); err != nil {
			return fmt.Errorf("creating %s: %w", f.Path, err)
		}
		made = append(made, filepath.Join(root, filepath.FromSlash(f.Path)))
	}
	return nil
}
