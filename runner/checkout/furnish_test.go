package checkout

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chant/runner/git"
)

func TestLink(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{
		".gitignore": "deps/\nout\n", "project/tracked/f": "1", "project/a": "1", "project/.gitignore": "sub/\n",
	})
	r.write(map[string]string{
		"deps/x": "top", "project/deps/[x]/y": "y", "project/out": "file", "project/sub/deeper/z": "z", "project/tracked/new": "2",
	})
	before := bytesOf(t, r.dir)
	temp := t.TempDir()
	s := r.open(Options{Prefix: "project", Temp: temp, Link: []string{"deps/[x]", "out", "tracked", "none", "sub/deeper"}})
	c, err := s.Commit(t.Context(), commit)
	must(t, err)
	same(t, "project", c.Top()+"/project", c.Dir())
	same(t, "files", map[string]string{
		"a": "1", ".gitignore": "sub/\n", "tracked/f": "1",
		"deps/[x]": "-> " + r.path("project/deps/[x]"), "out": "-> " + r.path("project/out"), "sub/deeper": "-> " + r.path("project/sub/deeper"),
	}, contents(t, c.Dir()))
	same(t, "status", "", r.at(c).git("status", "--porcelain"))
	must(t, c.Close())
	same(t, "the user's repository", before, bytesOf(t, r.dir))
	_, err = r.open(Options{Prefix: "project", Temp: temp, Link: []string{"../.."}}).Commit(t.Context(), commit)
	fails(t, err, "linking ..: ", "escapes")
	empty(t, temp)
}

// Of commits from before the project was there, its folder is empty.
func TestProjectFolderIsMade(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{"a": "1"})
	c := r.checkout(Options{Prefix: "not/there", Setup: []string{"pwd > here"}}, commit)
	same(t, "files", map[string]string{"here": c.Dir() + "\n"}, contents(t, c.Dir()))
	_, err := r.open(Options{Prefix: "a"}).Commit(t.Context(), commit)
	fails(t, err, "making the project's folder")
}

func TestNodeModules(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		".gitignore": "node_modules/\n", "package.json": "{}", "package-lock.json": "1",
		"web/package.json":   "{}",
		"other/package.json": "{}", "other/bun.lock": "1", "other/yarn.lock": "1", "bare/package.json": "{}",
	}
	folders := map[string]string{"node_modules/x/i.js": "x", "web/node_modules/y/i.js": "y", "other/node_modules/z/i.js": "z"}
	all := []string{"node_modules", "other/node_modules", "web/node_modules"}
	for _, tt := range []struct {
		name   string
		opts   Options
		change func(r repo) // of the user's work tree
		links  []string
	}{
		{"same lock files", Options{}, func(repo) {}, all},
		{"another lock file", Options{}, func(r repo) { r.write(map[string]string{"package-lock.json": "2"}) }, []string{"other/node_modules"}},
		{
			"one of two lock files is missing", Options{}, func(r repo) { must(r.tb, os.Remove(r.path("other/bun.lock"))) },
			[]string{"node_modules", "web/node_modules"},
		},
		{"none installed", Options{}, func(r repo) { must(r.tb, os.RemoveAll(r.path("node_modules"))) }, all[1:]},
		{"not ignored", Options{}, func(r repo) { r.write(map[string]string{".gitignore": "/web/node_modules\n"}) }, all[2:]},
		{"none ignored", Options{}, func(r repo) { must(r.tb, os.Remove(r.path(".gitignore"))) }, nil},
		{"links configured", Options{Link: []string{"web/node_modules"}}, func(repo) {}, []string{"web/node_modules"}},
		{"setup configured", Options{Setup: []string{"true"}}, func(repo) {}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			commit := r.commit(files)
			r.write(folders)
			tt.change(r)
			c := r.checkout(tt.opts, commit)
			var links []string
			for name, content := range contents(t, c.Top()) {
				if strings.HasPrefix(content, "-> ") {
					same(t, "target", "-> "+r.path(name), content)
					links = append(links, name)
				}
			}
			same(t, "links", tt.links, sorted(links))
			same(t, "status", "", r.at(c).git("status", "--porcelain"))
			same(t, "ways back", 0, len(c.WaysBack()))
		})
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit(map[string]string{"p/c": ""})
	commit := r.commit(map[string]string{"p/a": "1"})
	env := []string{"SOME_TOKEN=hunter2hunter2", "GITHUB_TOKEN=x"}
	temp := t.TempDir()
	open := func(commands ...string) *Source {
		return r.open(Options{Temp: temp, Env: env, Prefix: "p", Setup: commands})
	}
	set := func(commands ...string) (*Checkout, error) { return open(commands...).Commit(t.Context(), commit) }
	c, err := set("cp a b", "echo $SOME_TOKEN${GITHUB_TOKEN-} >> b")
	must(t, err)
	same(t, "files", map[string]string{"a": "1", "b": "1hunter2hunter2\n", "c": ""}, contents(t, c.Dir()))
	must(t, c.Close())
	_, err = set("true", "echo one; false; echo two")
	fails(t, err, `setting up by "echo one; false; echo two": exit status 1`, "\none")
	_, err = set("seq 2000; echo key $SOME_TOKEN >&2; exit 7")
	fails(t, err, "exit status 7", "\n2000\nkey ***")
	if len(err.Error()) > 2500 {
		t.Errorf("%d bytes of error", len(err.Error()))
	}
	slow := open("echo begun; exec sleep 600")
	slow.setupTimeout = 300 * time.Millisecond
	_, err = slow.Commit(t.Context(), commit)
	fails(t, err, "timed out after 300ms", "begun")
	_, err = set("kill -9 $$")
	fails(t, err, "killed by killed")
	_, err = set("echo 2 > a")
	fails(t, err, "worktree.setup changed files of the commit: p/a (")
	for _, hidden := range []string{"rm a; git add -A", "rm a; mkfifo a", "echo 2 > a; git -c user.name=n -c user.email=e commit -qam m", "git checkout -q HEAD~"} {
		_, err = set(hidden)
		fails(t, err, "worktree.setup changed files of the commit: p/a (")
	}
	_, err = set("rm -r ../.git")
	fails(t, err, "looking at what worktree.setup changed")
	empty(t, temp)
}

// A file that git would write otherwise than it is stored counts as it was checked out.
func TestSetupOfConverted(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit(map[string]string{"a.txt": "bad\r\n"})
	commit := r.commit(map[string]string{".gitattributes": "*.txt text", "b": ""})
	c, err := r.open(Options{Setup: []string{"true"}}).Commit(t.Context(), commit)
	must(t, err)
	must(t, c.Close())
	_, err = r.open(Options{Setup: []string{"echo good > a.txt"}}).Commit(t.Context(), commit)
	fails(t, err, "worktree.setup changed files of the commit: a.txt (")
}

func TestInterruptedSetup(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{"a": "1"})
	temp := t.TempDir()
	ready := t.TempDir() + "/ready"
	mkfifo(t, ready)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	go func() {
		_, _ = os.ReadFile(ready) // returns when the command is running
		cancel(why)
	}()
	_, err := r.open(Options{Temp: temp, Setup: []string{"echo > " + ready + "; exec sleep 600"}}).Commit(ctx, commit)
	if !errors.Is(err, why) {
		t.Error(err)
	}
	empty(t, temp)
}

func TestWaysBack(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{
		".gitignore": "node_modules\n.venv\n", "package.json": "{}", "package-lock.json": "1",
		"packages/a/package.json": "{}", "packages/b/package.json": "{}",
	})
	r.write(map[string]string{
		"node_modules/x/i.js": "", "node_modules/@scope/y/i.js": "", "packages/b/node_modules/z/i.js": "", "../elsewhere/i.js": "",
	})
	for name, target := range map[string]string{
		"node_modules/a": "../packages/a", "node_modules/@scope/b": "../../packages/b", "node_modules/same": "x", "node_modules/broken": "none",
		"node_modules/nested": "../packages/b/node_modules/z", "node_modules/out": "../../elsewhere",
	} {
		must(t, os.Symlink(target, r.path(name)))
	}
	c := r.checkout(Options{}, commit)
	same(t, "ways", []string{
		"node_modules/@scope/b is a symbolic link to packages/b of the work tree",
		"node_modules/a is a symbolic link to packages/a of the work tree",
	}, c.WaysBack())
}

// The Python is a script that answers as pythonScript does.
func TestPythonWaysBack(t *testing.T) {
	t.Parallel()
	answer := func(r repo, name string, dirs ...string) {
		text, err := json.Marshal(dirs)
		must(t, err)
		r.write(map[string]string{name: "#!/bin/sh\necho noise\ncat <<'EOF'\n\n" + string(text) + "\nEOF\n"})
		must(t, os.Chmod(r.path(name), 0o755))
	}
	for _, tt := range []struct {
		name string
		make func(r repo) (commit git.Hash, opts Options)
		ways []string
	}{
		{"import from the work tree", func(r repo) (git.Hash, Options) {
			answer(r, "../bin/python3", "/usr/lib/python3", r.path("../site"), r.path("src"))
			return r.commit(map[string]string{"p/pyproject.toml": "", "src/m.py": ""}), Options{Prefix: "p"}
		}, []string{"python3 imports, by an editable install or PYTHONPATH, from src of the work tree"}},
		{"no Python project", func(r repo) (git.Hash, Options) {
			answer(r, "../bin/python3", r.path("src"))
			return r.commit(map[string]string{"src/m.py": ""}), Options{}
		}, nil},
		{"Python that fails", func(r repo) (git.Hash, Options) {
			r.write(map[string]string{"../bin/python3": "#!/bin/sh\nexit 1\n"})
			must(t, os.Chmod(r.path("../bin/python3"), 0o755))
			return r.commit(map[string]string{"setup.py": ""}), Options{}
		}, nil},
		{"linked virtual environment", func(r repo) (git.Hash, Options) {
			commit := r.commit(map[string]string{"setup.cfg": "", ".gitignore": ".venv"})
			answer(r, "../bin/python3", r.path(".venv/lib"))
			answer(r, ".venv/bin/python", r.path(".venv/lib"), r.dir)
			return commit, Options{Link: []string{".venv"}}
		}, []string{"TOP/.venv/bin/python imports, by an editable install or PYTHONPATH, from . of the work tree"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t).in("r")
			must(t, os.Mkdir(r.dir, 0o755))
			r.git("init", "-q", "--template=", "-b", "main")
			commit, opts := tt.make(r)
			r.env[0] = "PATH=" + r.path("../bin") + ":" + os.Getenv("PATH")
			var ways []string
			for _, way := range r.checkout(opts, commit).WaysBack() {
				ways = append(ways, strings.ReplaceAll(way, r.dir, "TOP"))
			}
			same(t, "ways", tt.ways, ways)
		})
	}
}

// A Python names the folders of PYTHONPATH and of editable installs.
func TestPythonScript(t *testing.T) {
	t.Parallel()
	python, err := exec.CommandContext(t.Context(), "python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Skip(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	for name, record := range map[string]string{
		"mine":   `{"url": "file:///src/a%20b", "dir_info": {"editable": true}}`,
		"copied": `{"url": "file:///copied", "dir_info": {}}`,
		"wheel":  `{"url": "https://x.y/wheel", "archive_info": {}}`,
	} {
		info := filepath.Join(dir, name+"-1.0.dist-info")
		must(t, os.Mkdir(info, 0o755))
		must(t, os.WriteFile(filepath.Join(info, "direct_url.json"), []byte(record), 0o600))
	}
	s := &Source{opts: Options{Env: []string{"PYTHONPATH=" + dir}, Processes: processes}}
	dirs, err := s.importPath(t.Context(), dir, strings.TrimSpace(string(python)))
	must(t, err)
	same(t, "its own folders", false, slices.ContainsFunc(dirs, func(d string) bool { return strings.HasSuffix(d, "site-packages") }))
	same(t, "first and last", []string{dir, "/src/a b"}, []string{dirs[0], dirs[len(dirs)-1]})
}
