package checkout

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chant/runner/process"
)

// waysBack looks for ways from a checkout into the user's work tree: symlinks in
// linked folders, and what Python is told to import from there.
func (s *Source) waysBack(ctx context.Context, top string, linked []string) ([]string, error) {
	pythons := s.pythons(top, linked)
	key := fmt.Sprintf("%q %q", pythons, linked)
	s.waysMu.Lock()
	defer s.waysMu.Unlock()
	if ways, known := s.ways[key]; known {
		return ways, nil
	}
	folders := map[string]string{} // where linked folders really are
	for _, at := range linked {
		if dir, err := filepath.EvalSymlinks(filepath.Join(s.origin.top, at)); err == nil {
			folders[at] = dir
		}
	}
	var ways []string
	note := func(what, target string) {
		rel, err := filepath.Rel(s.origin.top, target)
		for _, dir := range folders {
			if within(dir, target) { // what is linked is no way back
				return
			}
		}
		if err == nil && filepath.IsLocal(rel) {
			ways = append(ways, fmt.Sprintf("%s %s of the work tree", what, rel))
		}
	}
	for at, dir := range folders {
		// What can't be read leads nowhere.
		_ = filepath.WalkDir(dir, func(link string, e fs.DirEntry, err error) error {
			if err == nil && e.Type() == fs.ModeSymlink {
				if target, err := filepath.EvalSymlinks(link); err == nil {
					note(at+link[len(dir):]+" is a symbolic link to", target)
				}
			}
			return nil
		})
	}
	for _, program := range pythons {
		dirs, err := s.importPath(ctx, filepath.Join(top, s.opts.Prefix), program)
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			note(program+" imports, by an editable install or PYTHONPATH, from", dir)
		}
	}
	slices.Sort(ways)
	s.ways[key] = slices.Compact(ways)
	return s.ways[key], nil
}

// pythons returns the Python of the environment and those of linked virtual
// environments, if the checkout has a project that Python can install.
func (s *Source) pythons(top string, linked []string) []string {
	has := func(name string) bool {
		return exists(filepath.Join(top, name)) || exists(filepath.Join(top, s.opts.Prefix, name))
	}
	if !slices.ContainsFunc([]string{"pyproject.toml", "setup.py", "setup.cfg"}, has) {
		return nil
	}
	programs := []string{"python3"}
	for _, at := range linked {
		if program := filepath.Join(s.origin.top, at, "bin", "python"); exists(program) {
			programs = append(programs, program)
		}
	}
	return programs
}

// pythonScript prints the folders that a Python imports from but for its own, and
// those of editable installs, as PEP 610 records them.
const pythonScript = `
import json, os, sys
from urllib.parse import unquote, urlsplit
real = os.path.realpath
dirs = [real(p) for p in sys.path if p and not real(p).startswith(real(sys.prefix) + os.sep)]
try:
    from importlib.metadata import distributions  # since Python 3.8
    for d in distributions():
        record = json.loads(d.read_text("direct_url.json") or "{}")
        if record.get("dir_info", {}).get("editable"):
            dirs.append(real(unquote(urlsplit(record["url"]).path)))
except (ImportError, ValueError):
    pass
print("\n" + json.dumps(dirs))
`

// importPath asks a Python for the folders that it imports from. One that does not
// start or does not answer runs no tests either.
func (s *Source) importPath(ctx context.Context, dir, program string) ([]string, error) {
	output := process.NewBuffer(0, 1<<20)
	res := s.opts.Processes.Run(ctx, process.Command{
		Argv: []string{program, "-c", pythonScript}, Dir: dir, Env: s.opts.Env, Output: output, Timeout: 10 * time.Second,
	})
	if res.Cancelled {
		return nil, context.Cause(ctx)
	}
	text := strings.TrimSpace(output.String())
	var dirs []string
	_ = json.Unmarshal([]byte(text[strings.LastIndexByte(text, '\n')+1:]), &dirs) // see above
	return dirs, nil
}
