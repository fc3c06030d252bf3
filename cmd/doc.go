package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"chant/runner/project"
	"chant/spec"
)

func (a *App) docCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "doc",
		Short: "Assertions about documents, for use in checks",
		Long: `Doc checks the contents of a Markdown document, for use in checks. It exits with
0 if the document is as expected, and else with 1 and one line for each problem.
A document that is missing or is not text is a problem too.`,
		// A check without a subcommand must not pass because help exits 0.
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return &project.UsageError{Msg: "doc needs a subcommand: heading, refs or table", Mend: c.CommandPath() + " --help"}
		},
	}
	c.AddCommand(a.docHeadingCommand(), a.docRefsCommand(), a.docTableCommand())
	return c
}

func (a *App) docHeadingCommand() *cobra.Command {
	return a.answering(&cobra.Command{
		Use:   "heading FILE HEADING…",
		Short: "Check that the headings exist and their sections are not empty",
		Long: `Heading checks that the document has every HEADING, at any level and in any case,
and that its section is not empty. A section ends at the next heading of the same
or a higher level. Comments, thematic breaks, table headers and headings do not
count as content; text below a subheading does. Headings in quotes and lists are
ignored.`,
	}, func(_ context.Context, args []string) (answer, error) { return a.docHeading(args) })
}

func (a *App) docHeading(args []string) (docAnswer, error) {
	d := newDocAnswer("heading", " found, none empty")
	if len(args) < 2 || hasBlank(args[1:]) {
		return d, &project.UsageError{Msg: "doc heading needs a file and headings", Mend: `chant doc heading FILE "Root cause"`}
	}
	err := a.document(args[0], &d, func(doc *spec.Document) ([]spec.Item, spec.Problems, error) {
		found, problems := doc.Sections(args[1:])
		return found, problems, nil
	})
	return d, err
}

func (a *App) docRefsCommand() *cobra.Command {
	var least int
	c := a.answering(&cobra.Command{
		Use:   "refs FILE…",
		Short: "Check that every path:line in a document is a line of a file in the project",
		Long: `Refs checks that every path:line in a document is a line of a file in the
project, such as storage/store.go:117, main.go:12-20 or main.go:12:5. Paths are
relative to the folder of .chant. References in quotes and code blocks are
ignored. If a table cell is a code span with a reference, and the next cell is a
code span too, then the cited line must contain the text of that next cell.`,
	}, func(_ context.Context, args []string) (answer, error) { return a.docRefs(args, least) })
	c.Flags().IntVar(&least, "min", 1, "expect at least `N` different references in each file")
	return c
}

func (a *App) docRefs(args []string, least int) (docAnswer, error) {
	d := newDocAnswer("valid reference", "")
	if len(args) == 0 {
		return d, &project.UsageError{Msg: "doc refs needs at least one file", Mend: "chant doc refs FILE"}
	}
	if least < 1 {
		return d, &project.UsageError{Msg: "--min must be at least 1", Mend: "chant doc refs FILE --min 3"}
	}
	top, err := project.FindRoot(a.Dir)
	if err != nil {
		return d, err
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return d, fmt.Errorf("opening %s: %w", top, err)
	}
	defer root.Close()
	files := map[string]spec.CitedFile{}
	for _, name := range args {
		err := a.document(name, &d, func(doc *spec.Document) (found []spec.Item, problems spec.Problems, err error) {
			for _, ref := range doc.Refs {
				if _, ok := files[ref.Path]; ok {
					continue
				}
				if files[ref.Path], err = citedFile(root, ref.Path); err != nil {
					return nil, nil, err
				}
			}
			found, problems = doc.CheckRefs(files, least)
			return found, problems, nil
		})
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

// citedLimit is the size in bytes of the largest file of which lines can be cited.
const citedLimit = 4 << 20

// citedFile reads a file of the project. A file that does not exist is a mistake
// in the document, and so a CitedFile with a Problem; an error is not its mistake.
func citedFile(root *os.Root, name string) (spec.CitedFile, error) {
	src, err := project.ReadIn(root, name, citedLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return spec.CitedFile{Problem: "is not in the project"}, nil
	case errors.Is(err, fs.ErrPermission):
		return spec.CitedFile{}, fmt.Errorf("reading a cited file: %w", err)
	case errors.Is(err, syscall.EISDIR), errors.Is(err, project.ErrNotRegular):
		return spec.CitedFile{Problem: "is not a file"}, nil
	case err != nil: // such as a symlink that leads out of the project
		return spec.CitedFile{Problem: "can't be followed: " + withoutPath(err)}, nil
	}
	var cited spec.CitedFile
	for line := range strings.Lines(string(src)) {
		cited.Lines = append(cited.Lines, strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
	}
	return cited, nil
}

// withoutPath returns the text of a file's error without the path.
func withoutPath(err error) string {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return err.Error()
}

type docTableOptions struct {
	query   spec.RowQuery
	rows    []string
	count   int
	least   int
	targets string
}

func (a *App) docTableCommand() *cobra.Command {
	var opts docTableOptions
	var c *cobra.Command
	c = a.answering(&cobra.Command{
		Use:   "table FILE",
		Short: "Check that tables have the expected rows",
		Long: `Table counts the rows of the document's tables that have the values of all --row
flags, compared without regard to case and markup. In these rows the --filled
columns must contain more than a placeholder ("-", "…", "?", "TODO", a comment).
The paths in --column must agree with the target_files of --targets: a target
file covers each path, and each target file covers a path. Without --row all rows
match of the tables that have one of the columns. Tables in quotes are ignored.`,
		Example: `  chant doc table root-cause.md --row Verdict=Confirmed --filled Evidence --count 1
  chant doc table impact.md --row Affected=yes --column Place --targets 005-fix`,
	}, func(_ context.Context, args []string) (answer, error) {
		q, err := opts.rowQuery(args, c.Flags().Changed)
		if err != nil {
			return nil, err
		}
		return a.docTable(args[0], q, opts.targets)
	})
	f := c.Flags()
	f.StringArrayVar(&opts.rows, "row", nil, "match rows that have this value: `COLUMN=VALUE`; may be repeated, then all must match")
	f.StringArrayVar(&opts.query.Filled, "filled", nil, "expect this `COLUMN` to be filled in the matching rows")
	f.StringVar(&opts.query.Under, "under", "", "search only tables in the section of this `HEADING`")
	f.IntVar(&opts.count, "count", 0, "expect exactly `N` matching rows")
	f.IntVar(&opts.least, "min", 1, "expect at least `N` matching rows")
	f.StringVar(&opts.query.Column, "column", "", "the `COLUMN` with the paths for --targets")
	f.StringVar(&opts.targets, "targets", "", "expect the paths in --column to be the target_files of the spec `ID`")
	c.MarkFlagsMutuallyExclusive("count", "min")
	c.MarkFlagsRequiredTogether("column", "targets")
	return c
}

// rowQuery converts the flags to a query. An empty name, which an unset variable of
// a script can cause, is an error: it must not weaken the query.
func (o docTableOptions) rowQuery(args []string, changed func(flag string) bool) (spec.RowQuery, error) {
	const hint = "chant doc table FILE --row COLUMN=VALUE"
	q := o.query
	q.Count, q.Exact = o.least, changed("count")
	if q.Exact {
		q.Count = o.count
	}
	for flag, name := range map[string]string{"under": q.Under, "column": q.Column, "targets": o.targets} {
		if changed(flag) && hasBlank([]string{name}) {
			return q, &project.UsageError{Msg: "--" + flag + " takes a name", Mend: hint}
		}
	}
	for _, row := range o.rows {
		column, value, ok := strings.Cut(row, "=")
		if !ok || hasBlank([]string{column}) {
			return q, &project.UsageError{Msg: fmt.Sprintf("--row %q is not COLUMN=VALUE", row), Mend: hint}
		}
		q.Where = append(q.Where, spec.Condition{Column: column, Value: value})
	}
	switch {
	case len(args) != 1:
		return q, &project.UsageError{Msg: fmt.Sprintf("doc table takes one file, not %d", len(args)), Mend: hint}
	case len(q.Where) == 0 && len(q.Filled) == 0 && q.Column == "":
		return q, &project.UsageError{Msg: "doc table needs --row, --filled or --column", Mend: hint}
	case hasBlank(q.Filled):
		return q, &project.UsageError{Msg: "--filled takes the name of a column", Mend: hint}
	case q.Count < 0 || o.least < 1:
		return q, &project.UsageError{Msg: "--count must be at least 0, --min at least 1", Mend: hint}
	}
	return q, nil
}

func (a *App) docTable(file string, q spec.RowQuery, targets string) (docAnswer, error) {
	d := newDocAnswer("matching row", "")
	var target *spec.Spec
	if targets != "" {
		p, s, err := a.spec(targets)
		if err != nil {
			return d, err
		}
		if err := p.Problems[s.Path].Err(); err != nil {
			return d, err
		}
		target = s
	}
	err := a.document(file, &d, func(doc *spec.Document) (found []spec.Item, problems spec.Problems, err error) {
		rows, problems := doc.Rows(q)
		if target != nil && len(rows) > 0 {
			problems = append(problems, doc.CheckTargets(target, rows, q.Column)...)
		}
		for _, row := range rows {
			found = append(found, row.Item())
		}
		return found, problems, nil
	})
	return d, err
}

func hasBlank(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.TrimSpace(name) == "" })
}

// docAnswer is the result of a doc command. Without problems the document is as
// expected.
type docAnswer struct {
	Schema   string    `json:"schema"`
	Held     bool      `json:"held"`
	Found    []docItem `json:"found"`
	Problems []docItem `json:"problems"`

	noun, held string // say what was found, if the document is as expected
}

type docItem struct {
	Path   string `json:"path"`
	Line   int    `json:"line"` // 0 for the file as a whole
	Column int    `json:"column"`
	Text   string `json:"text"`
}

func newDocAnswer(noun, held string) docAnswer {
	return docAnswer{"chant.doc/v1", true, []docItem{}, []docItem{}, noun, held}
}

func (d *docAnswer) add(path string, found []spec.Item, problems spec.Problems) {
	for _, item := range found {
		d.Found = append(d.Found, docItem{path, item.Pos.Line, item.Pos.Column, item.Value})
	}
	for _, p := range problems {
		text := p.Msg
		if p.Hint != "" {
			text += " (" + p.Hint + ")"
		}
		d.Problems = append(d.Problems, docItem{p.Path, p.Pos.Line, p.Pos.Column, text})
		d.Held = false
	}
}

// readDocument reads a file. No link leads from a path in the project to a file outside.
func (a *App) readDocument(file string) ([]byte, error) {
	root, err := project.FindRoot(a.Dir)
	if err != nil {
		return project.ReadRegular(file) // doc needs no project
	}
	inside, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(inside) {
		return project.ReadRegular(file)
	}
	return project.ReadText(root, inside)
}

// document reads a FILE of the command line and adds to the answer what find
// returns for it. A file that is missing or is not a document is a problem in the
// answer, not an error: a check may ask whether somebody wrote it.
func (a *App) document(name string, d *docAnswer, find func(doc *spec.Document) ([]spec.Item, spec.Problems, error)) error {
	src, err := a.readDocument(a.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR),
		errors.Is(err, project.ErrNotRegular), errors.Is(err, project.ErrOutside), errors.Is(err, project.ErrTooLarge):
		d.add(name, nil, spec.Problems{{Path: name, Msg: withoutPath(err)}})
		return nil
	case err != nil:
		return fmt.Errorf("reading a document: %w", err)
	}
	var found []spec.Item
	doc, problems := spec.ParseDocument(name, src)
	if len(problems) == 0 {
		found, problems, err = find(doc)
	}
	d.add(name, found, problems)
	return err
}

func (d docAnswer) show(s *screen) {
	for _, p := range d.Problems {
		s.line(bold(location(p.Path, p.Line, p.Column)), plain(p.Text))
	}
	if d.Held {
		s.line(plain(plural(len(d.Found), d.noun) + d.held))
	}
}

func (d docAnswer) status() error { return statusIf(ExitNotHeld, !d.Held) }
