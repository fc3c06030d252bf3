package script

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// shot is a tree as it was.
type shot struct {
	dir    string
	except []string
	files  map[string]string // by path: mode and content
}

func snapshot(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: snapshot name dir [except…]")
	}
	s := shot{dir: ts.MkAbs(args[1]), except: args[2:]}
	var err error
	s.files, err = tree(s.dir, s.except)
	ts.Check(err)
	remembered(ts).shots[args[0]] = s
}

func unchanged(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: unchanged name")
	}
	then, ok := remembered(ts).shots[args[0]]
	if !ok {
		ts.Fatalf("no snapshot %s", args[0])
	}
	now, err := tree(then.dir, then.except)
	ts.Check(err)
	if diff := differences(then.files, now); len(diff) > 0 {
		ts.Fatalf("changed: %s", strings.Join(diff, ", "))
	}
}

// tree reads every file below dir, except the named paths.
func tree(dir string, except []string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, at)
		if err != nil {
			return err
		}
		if slices.Contains(except, name) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := contentOf(at, info)
		files[name] = info.Mode().String() + " " + content
		return err
	})
	return files, err
}

func contentOf(at string, info fs.FileInfo) (string, error) {
	switch {
	case info.Mode().IsRegular():
		data, err := os.ReadFile(at)
		return string(data), err
	case info.Mode()&fs.ModeSymlink != 0:
		return os.Readlink(at)
	}
	return "", nil
}

func differences(then, now map[string]string) []string {
	var diff []string
	for name, was := range then {
		if is, ok := now[name]; !ok {
			diff = append(diff, "- "+name)
		} else if is != was {
			diff = append(diff, "~ "+name)
		}
	}
	for name := range now {
		if _, ok := then[name]; !ok {
			diff = append(diff, "+ "+name)
		}
	}
	slices.Sort(diff)
	return diff
}

// gone looks at the environment that every process of the script was born with.
func gone(ts *testscript.TestScript, _ bool, _ []string) {
	mark := []byte(markName + "=" + ts.Getenv(markName))
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	ts.Check(err)
	for _, path := range paths {
		env, err := os.ReadFile(path)
		if err != nil {
			continue // ended since, or another user's
		}
		if slices.ContainsFunc(bytes.Split(env, []byte{0}), func(v []byte) bool { return bytes.Equal(v, mark) }) {
			line, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			ts.Check(err)
			ts.Fatalf("left running: %s: %q", filepath.Dir(path), line)
		}
	}
}
