package checkout

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chant/runner/process"
)

// waysBack looks for ways from a checkout into the user's work tree: symlinks in
// linked folders, and what Python is told to import from there.
func (s *Source) waysBack(ctx context.Context, root *os.Root, linked []string) ([]string, error) {
	var real []string // what is in a linked folder is no way back
	for _, at := range linked {
		if dir, err := filepath.EvalSymlinks(filepath.Join(s.origin.top, filepath.FromSlash(at))); err == nil {
			real = append(real, dir)
		}
	}
	outside := func(target string) (string, bool) {
		if !within(s.origin.top, target) || slices.ContainsFunc(real, func(dir string) bool { return within(dir, target) }) {
			return "", false
		}
		rel, err := filepath.Rel(s.origin.top, target)
		return filepath.ToSlash(rel), err == nil
	}
	key := strings.Join(linked, "\x00")
	ways, err := s.ways.get("links\x00"+key, func() ([]string, error) { return s.symlinks(linked, outside), nil })
	if err != nil || !pythonProject(root, s.opts.Prefix) {
		return ways, err
	}
	python, err := s.ways.get("python\x00"+key, func() ([]string, error) { return s.pythons(ctx, root, linked, outside) })
	return slices.Concat(ways, python), err
}

// symlinks looks through linked folders, level by level, for symlinks into the
// work tree, such as those that npm makes for workspaces.
func (s *Source) symlinks(linked []string, outside func(target string) (string, bool)) []string {
	const most = 50_000 // entries looked at; links of package managers are near the top
	var ways []string
	seen := 0
	for queue := slices.Clone(linked); len(queue) > 0 && seen < most; queue = queue[1:] {
		at := queue[0]
		// A folder that can't be read leads nowhere.
		entries, _ := os.ReadDir(filepath.Join(s.origin.top, filepath.FromSlash(at)))
		seen += len(entries)
		for _, e := range entries {
			name := path.Join(at, e.Name())
			if e.IsDir() {
				queue = append(queue, name)
			}
			if e.Type() != os.ModeSymlink {
				continue
			}
			target, err := filepath.EvalSymlinks(filepath.Join(s.origin.top, filepath.FromSlash(name)))
			if err != nil {
				continue // it leads nowhere
			}
			if rel, ok := outside(target); ok {
				ways = append(ways, fmt.Sprintf("%s is a symbolic link to %s of the work tree", name, rel))
			}
		}
	}
	return ways
}

// pythonProject tells whether the checkout has a project that Python can install.
func pythonProject(root *os.Root, prefix string) bool {
	for _, dir := range []string{"", prefix} {
		for _, name := range []string{"pyproject.toml", "setup.py", "setup.cfg"} {
			if _, err := root.Lstat(path.Join(dir, name)); err == nil {
				return true
			}
		}
	}
	return false
}

// pythons asks the Python of the environment, and those of linked virtual
// environments, what they import from the work tree.
func (s *Source) pythons(ctx context.Context, root *os.Root, linked []string, outside func(string) (string, bool)) ([]string, error) {
	programs := []string{"python3"}
	for _, at := range linked {
		if program := filepath.Join(s.origin.top, filepath.FromSlash(at), "bin", "python"); exists(program) {
			programs = append(programs, program)
		}
	}
	var ways []string
	for _, program := range programs {
		prefix, dirs, err := s.importPath(ctx, s.projectDir(root.Name()), program)
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			if rel, ok := outside(dir); ok && !within(prefix, dir) {
				ways = append(ways, fmt.Sprintf("%s imports from %s of the work tree (an editable install, or PYTHONPATH)", program, rel))
			}
			for name, source := range editable(dir) {
				if rel, ok := outside(source); ok {
					ways = append(ways, fmt.Sprintf("%s has an editable install of %s from %s of the work tree", program, name, rel))
				}
			}
		}
	}
	slices.Sort(ways)
	return slices.Compact(ways), nil
}

// importPath asks a Python for its installation and the folders that it imports
// from. One that does not start or does not answer runs no tests either.
func (s *Source) importPath(ctx context.Context, dir, program string) (prefix string, dirs []string, err error) {
	const script = "import json, sys; from os.path import realpath as real; " +
		"print(); print(json.dumps([real(sys.prefix), [real(p) for p in sys.path if p]]))"
	output := process.NewBuffer(0, 1<<20)
	res := s.opts.Processes.Run(ctx, process.Command{
		Argv: []string{program, "-c", script}, Dir: dir, Env: s.opts.Env, Output: output, Timeout: 10 * time.Second,
	})
	if res.Cancelled {
		return "", nil, context.Cause(ctx)
	}
	text := strings.TrimSpace(output.String())
	answer := []any{&prefix, &dirs}
	_ = json.Unmarshal([]byte(text[strings.LastIndexByte(text, '\n')+1:]), &answer) // see above
	return prefix, dirs, nil
}

// editable returns the editable installs in a folder of packages, as PEP 610
// records them: by name, where the source is.
func editable(dir string) map[string]string {
	sources := map[string]string{}
	// A folder of the path that is not there holds nothing.
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name, isInfo := strings.CutSuffix(e.Name(), ".dist-info")
		if !isInfo {
			continue
		}
		var record struct {
			URL string `json:"url"`
			Dir struct {
				Editable bool `json:"editable"`
			} `json:"dir_info"`
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name(), "direct_url.json"))
		if err != nil || json.Unmarshal(data, &record) != nil || !record.Dir.Editable {
			continue
		}
		if at, err := url.Parse(record.URL); err == nil && at.Scheme == "file" {
			sources[name] = at.Path
		}
	}
	return sources
}
