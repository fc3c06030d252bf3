package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Store stores each path as it is in the work tree now, as git add would:
// filters, line ends, LFS, core.fileMode and core.symlinks count. The results
// are sorted by path; a file that isn't there has no Mode. New objects go into
// the object folder objects; "" means the repository's own. The user's index
// stays as it is, and no hook runs.
//
// The error is a PathError for what git could not commit: what lies behind a
// symlink or in another repository, what is neither file nor symlink, folders,
// unmerged paths.
func (r *Repo) Store(ctx context.Context, paths []string, objects string) (contents []Content, err error) {
	defer wrap(&err, "storing files")
	if paths, err = cleanPaths(paths); err != nil {
		return nil, err
	}
	head, err := r.Head()
	if err != nil {
		return nil, err
	}
	s, err := r.survey(ctx, head, paths)
	if err != nil {
		return nil, err
	}
	if len(s.there) > 0 {
		dir, err := os.MkdirTemp("", "chant-index-")
		if err != nil {
			return nil, err
		}
		contents, err = r.addTo(ctx, filepath.Join(dir, "index"), s, objects, "")
		if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
			return nil, err
		}
	}
	for _, p := range slices.Concat(s.gone, s.none) {
		contents = append(contents, Content{Path: p})
	}
	slices.SortFunc(contents, func(a, b Content) int { return strings.Compare(a.Path, b.Path) })
	return contents, nil
}

// StoreFrom is Store for files of another folder, each of which has to be a file or
// a symlink there. They are stored as they would be in the work tree, with the
// attributes that the folder's own .gitattributes and the index have for them; but the
// user's filters are those of the work tree, and run there.
func (r *Repo) StoreFrom(ctx context.Context, dir string, paths []string, objects string) (contents []Content, err error) {
	defer wrap(&err, "storing files of "+dir)
	if len(paths) == 0 {
		return nil, nil
	}
	s := selection{}
	if s.there, err = cleanPaths(paths); err != nil {
		return nil, err
	}
	if s.tracked, err = r.tracked(ctx, s.there); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "chant-index-")
	if err != nil {
		return nil, err
	}
	contents, err = r.addTo(ctx, filepath.Join(temp, "index"), s, objects, dir)
	if err = errors.Join(err, os.RemoveAll(temp)); err != nil {
		return nil, err
	}
	return contents, r.filter(ctx, contents, objects, dir)
}

// filter stores those files of another folder anew that the user's filters convert.
func (r *Repo) filter(ctx context.Context, contents []Content, objects, dir string) error {
	var paths []string
	for _, c := range contents {
		if c.Mode == modeFile || c.Mode == modeExecutable {
			paths = append(paths, c.Path)
		}
	}
	out, err := r.git(ctx, call{args: []string{"check-attr", "--stdin", "-z", "filter"}, stdin: pathList(paths)})
	if err != nil {
		return err
	}
	answers := strings.Split(string(out), "\x00") // path, attribute and value, again and again
	filtered := map[string]bool{}
	for i := 0; i+2 < len(answers); i += 3 {
		filtered[answers[i]] = answers[i+2] != "unspecified" && answers[i+2] != "unset"
	}
	for i, c := range contents {
		if !filtered[c.Path] {
			continue
		}
		data, err := os.Open(filepath.Join(dir, filepath.FromSlash(c.Path)))
		if err != nil {
			return err
		}
		out, err := r.git(ctx, call{
			args: []string{"hash-object", "-w", "--stdin", "--path=" + c.Path}, stdin: data, env: r.objectEnv(objects), asUser: true,
		})
		if err = errors.Join(err, data.Close()); err != nil {
			return err
		}
		contents[i].Hash = Hash(strings.TrimSpace(string(out)))
	}
	return nil
}

// addTo stores the files that are there by git add into a copy of the index:
// what a filter makes of a file may depend on what is staged. They are read below
// dir; "" is the work tree.
func (r *Repo) addTo(ctx context.Context, index string, s selection, objects, dir string) ([]Content, error) {
	if err := copyIndex(filepath.Join(r.gitDir, "index"), index); err != nil {
		return nil, fmt.Errorf("copying the index: %w", err)
	}
	env := append(r.objectEnv(objects), "GIT_INDEX_FILE="+index)
	var assumed []string
	for _, e := range s.tracked {
		if e.tag != strings.ToUpper(e.tag) {
			assumed = append(assumed, e.path)
		}
	}
	if len(assumed) > 0 { // git add would pass over them
		args := []string{"update-index", "-z", "--no-assume-unchanged", "--stdin"}
		if _, err := r.git(ctx, call{args: args, stdin: pathList(assumed), env: env, noHooks: true}); err != nil {
			return nil, err
		}
	}
	if err := r.add(ctx, dir, s.there, env); err != nil {
		return nil, err
	}
	specs := make([]string, len(s.there))
	for i, p := range s.there {
		specs[i] = literally(p)
	}
	entries, err := r.lsFiles(ctx, specs, env)
	if err != nil {
		return nil, err
	}
	var contents []Content
	for _, e := range entries {
		fields := strings.Fields(e.info)
		contents = append(contents, Content{Path: e.path, Mode: fields[0], Hash: Hash(fields[1])})
	}
	for _, p := range s.there {
		if !slices.ContainsFunc(contents, func(c Content) bool { return c.Path == p }) {
			return nil, &PathError{Path: p, Reason: "git knows it under another name (use the name that git ls-files shows)"}
		}
	}
	return contents, nil
}

// add runs git add without the hooks. What it refuses a single path for is a
// PathError.
func (r *Repo) add(ctx context.Context, dir string, paths, env []string) (err error) {
	if dir != "" {
		off, err := r.filtersOff(ctx)
		if err != nil {
			return err
		}
		env = slices.Concat(env, off, []string{"GIT_DIR=" + r.gitDir, "GIT_WORK_TREE=" + dir})
	}
	args := []string{"add", "--force", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"}
	var failed *CommandError
	for range 2 { // gc may have removed a folder of objects that git add was about to write to
		_, err = r.git(ctx, call{args: args, dir: dir, stdin: pathspecs(paths), env: env, asUser: true, noHooks: true})
		var ok bool
		if failed, ok = errors.AsType[*CommandError](err); !ok {
			return err
		}
	}
	for _, p := range paths {
		if strings.Contains(failed.Message, "'"+p+"'") || strings.Contains(failed.Message, "'"+literally(p)+"'") {
			return &PathError{Path: p, Reason: "git add: " + failed.Message}
		}
	}
	return err
}

// copyIndex copies an index file with its time, by which git knows which
// entries to doubt: of an index that is replaced meanwhile, it doubts more.
// Where there is none, there is no copy either.
func copyIndex(from, to string) error {
	info, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// objectEnv makes git write new objects into a folder and read those of the
// repository as well; "" is the repository's own folder.
func (r *Repo) objectEnv(objects string) []string {
	if objects == "" {
		return nil
	}
	own := filepath.Join(r.common, "objects")
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(own) + `"` // it may hold a colon
	return []string{"GIT_OBJECT_DIRECTORY=" + objects, "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + quoted}
}

// StoreBytes stores data as git would store a file of that content at the
// path. The mode is that of HEAD's file; 100644 where it has none. For objects
// see Store.
func (r *Repo) StoreBytes(ctx context.Context, path string, data []byte, objects string) (_ Content, err error) {
	defer wrap(&err, "storing "+path)
	if _, err := cleanPaths([]string{path}); err != nil {
		return Content{}, err
	}
	head, err := r.Head()
	if err != nil {
		return Content{}, err
	}
	c := Content{Path: path, Mode: modeFile}
	if head.Commit != "" {
		e, err := r.entryAt(head.Commit, path)
		if err != nil {
			return Content{}, err
		}
		if e.Mode == modeExecutable {
			c.Mode = e.Mode
		}
	}
	out, err := r.git(ctx, call{
		args:  []string{"hash-object", "-w", "--stdin", "--path=" + path},
		stdin: bytes.NewReader(data), env: r.objectEnv(objects), asUser: true,
	})
	c.Hash = Hash(strings.TrimSpace(string(out)))
	return c, err
}
