package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"chant/runner/process"
	"chant/runner/testlog"
	"chant/spec"
)

// junitFiles returns the files that junit= matches, relative to the root.
func junitFiles(root *os.Root, pattern string) ([]string, error) {
	return doublestar.Glob(root.FS(), pattern, doublestar.WithFilesOnly(), doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
}

// removeJUnit removes the JUnit XML of an earlier run, so that it can't pass for that of the
// next one. A file that git tracks is an error: it is not the command that writes it.
func (x *Runner) removeJUnit(ctx context.Context, c *spec.Check, command process.Command) error {
	if c.JUnit == "" {
		return nil
	}
	root, err := os.OpenRoot(command.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	names, err := junitFiles(root, c.JUnit)
	if err != nil || len(names) == 0 {
		return err
	}
	if err := x.untracked(ctx, command, names); err != nil {
		return err
	}
	for _, name := range names {
		if err := root.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// untracked returns an error if git tracks one of the files. Outside of a repository, such as
// in a checkout of a tree, it tracks none.
func (x *Runner) untracked(ctx context.Context, command process.Command, names []string) error {
	tracked := process.NewBuffer(keepHead, 0)
	res := x.processes.Run(ctx, process.Command{
		Argv: append([]string{"git", "--literal-pathspecs", "ls-files", "-z", "--"}, names...),
		Dir:  command.Dir, Env: command.Env, Timeout: time.Minute, Output: tracked,
	})
	if res.Err != nil {
		return fmt.Errorf("asking git for tracked files: %w", res.Err)
	}
	if name, _, found := bytes.Cut([]byte(tracked.String()), []byte{0}); res.Exit == 0 && found {
		return fmt.Errorf("git tracks %s, so it can't be what the command writes (name a file that is ignored)", name)
	}
	return nil
}

// readJUnit replaces what the output says by what the JUnit XML says.
func (x *Runner) readJUnit(c *spec.Check, dir string, o *Observation) {
	o.Reports = []testlog.RunnerReport{}
	files, err := junitContents(dir, c.JUnit)
	if err == nil && len(files) == 0 {
		err = errors.New("the command wrote no such file")
	}
	if err == nil {
		o.Reports, err = x.Judge.Runners.Reports("", files...)
	}
	if err != nil {
		o.Unread = fmt.Sprintf("junit=%s: %v", c.JUnit, err)
	}
}

// maxJUnit is the size in bytes up to which a file is read.
const maxJUnit = 64 << 20

func junitContents(dir, pattern string) (files [][]byte, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	names, err := junitFiles(root, pattern)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		info, err := fs.Stat(root.FS(), name)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() > maxJUnit {
			return nil, fmt.Errorf("%s is not a regular file of at most %d MiB", name, maxJUnit>>20)
		}
		file, err := root.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
