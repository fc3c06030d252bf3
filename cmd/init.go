package cmd

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/spf13/cobra"

	"chant/runner/git"
	"chant/runner/project"
)

//go:embed all:template
var template embed.FS

func (a *App) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Create .chant/ at the top of this git repository",
		Args:  noArgs,
		RunE:  func(*cobra.Command, []string) error { return a.initialise() },
	}
}

// initialise creates the missing files of .chant and lists them. It never changes
// an existing file.
func (a *App) initialise() error {
	top, err := git.Top(a.Dir)
	if err != nil {
		return err
	}
	s := a.stdout()
	wrote := 0
	err = fs.WalkDir(template, "template", func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := template.ReadFile(at)
		if err != nil {
			return err
		}
		name := path.Join(project.ChantDir, at[len("template/"):])
		err = createFile(top, name, data)
		switch {
		case err == nil:
			wrote++
			s.line(coloured("created", green), plain(name))
		case errors.Is(err, fs.ErrExist):
			s.line(faint("exists "), plain(name))
			err = nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("creating %s: %w", project.ChantDir, err)
	}
	if wrote > 0 {
		s.line()
		s.line(plain("Next: git add .chant; then chant new bug (six phases) or chant new TITLE (one spec)."))
	}
	return s.failed()
}
