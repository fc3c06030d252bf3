package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/project"
	"chant/spec"
	"chant/storage/atomicfile"
)

func (a *App) newCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "new TITLE",
		Short: "Create one spec, with the next free number",
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.newSpec(strings.Join(args, " "))
			if err != nil {
				return err
			}
			return a.say(plain(s.Path))
		},
	}
	c.AddCommand(a.newBugCommand())
	return c
}

const specTemplate = `---
type: code
status: pending
target_files: []
---
# %s

## Task

Say what has to be done, and why.

## Acceptance Criteria

- [ ] Say what can be seen when it is done
  ` + "```sh check" + `
  false # the command that decides it: exit 0 when it is so
  ` + "```" + `
`

// newSpec creates the file of a new spec and returns the spec.
func (a *App) newSpec(title string) (*spec.Spec, error) {
	title = strings.Join(strings.Fields(title), " ")
	if title == "" {
		return nil, &project.UsageError{Msg: "new needs a title", Mend: `chant new "Keep both updates"`}
	}
	p, err := a.project()
	if err != nil {
		return nil, err
	}
	text := specText(title)
	for number := nextNumber(p.Set); ; number++ {
		s, _ := spec.Parse(path.Join(project.SpecsDir, fmt.Sprintf("%03d-%s.md", number, slug(title))), text)
		if len(s.Criteria) == 0 {
			return nil, &project.UsageError{
				Msg: fmt.Sprintf("the title %q is reserved: nothing below that heading is read", title), Mend: "choose another title",
			}
		}
		switch err := createFile(p.Root, s.Path, text); {
		case err == nil:
			return s, nil
		case !errors.Is(err, fs.ErrExist): // else it was created since the specs were listed
			return nil, fmt.Errorf("creating a spec: %w", err)
		}
	}
}

// nextNumber returns the highest number at the start of an id, plus one.
func nextNumber(set *spec.Set) int {
	leading := regexp.MustCompile(`^[0-9]{1,6}`)
	highest := 0
	for _, s := range set.All() {
		if n, err := strconv.Atoi(leading.FindString(s.ID)); err == nil {
			highest = max(highest, n)
		}
	}
	return highest + 1
}

// specText returns the content of a new spec's file.
func specText(title string) []byte {
	return fmt.Appendf(nil, specTemplate, runner.HeadingText(clean(title)))
}

const slugLength = 40

// slug converts a title to a part of a file name: lower-case words joined by
// dashes, at most slugLength bytes, if possible cut between words.
func slug(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	s := strings.Join(words, "-")
	if s == "" {
		return "spec"
	}
	if len(s) <= slugLength {
		return s
	}
	if end := strings.LastIndexByte(s[:slugLength+1], '-'); end > 0 {
		return s[:end]
	}
	return strings.ToValidUTF8(s[:slugLength], "")
}

// createFile creates a file of the project and the folders above it. If the file
// exists, nothing changes and the error is fs.ErrExist.
func createFile(root, name string, data []byte) error {
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return atomicfile.Create(file, data, 0o644)
}
