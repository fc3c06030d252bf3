package checkout

import (
	"os"
	"strings"
	"testing"
)

// withSubmodules is a repository with a submodule that has one itself. Each has two
// commits; the super-repository names the first of each.
func withSubmodules(t *testing.T) repo {
	t.Helper()
	inner, lib, r := newRepo(t), newRepo(t), newRepo(t)
	inner.commit(map[string]string{"in": "1"})
	add := func(to, from repo, path string) {
		to.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", "the "+path, from.dir, path)
	}
	lib.write(map[string]string{"b": "1"})
	add(lib, inner, "deep/inner")
	lib.commit(nil)
	add(r, lib, "libs/lib")
	r.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
	r.commit(map[string]string{"a": "1"})
	return r
}

func TestSubmodules(t *testing.T) {
	t.Parallel()
	all := []string{".gitmodules", "a", "libs/lib/.gitmodules", "libs/lib/b", "libs/lib/deep/inner/in"}
	for _, tt := range []struct {
		name    string
		change  func(r repo)
		files   []string
		missing []string // a text of each sentence
	}{
		{"present", func(repo) {}, all, nil},
		{"at another commit in the work tree", func(r repo) {
			r.in("libs/lib").commit(map[string]string{"b": "2"})
		}, all, nil},
		{"in the repository, not in the work tree", func(r repo) {
			r.git("submodule", "--quiet", "deinit", "--force", "--all")
		}, all, nil},
		{"with a repository of its own", func(r repo) {
			must(r.tb, os.RemoveAll(r.path("libs/lib/.git")))
			must(r.tb, os.Rename(r.path(".git/modules/the libs/lib"), r.path("libs/lib/.git")))
			r.git("config", "--file", "libs/lib/.git/config", "--unset", "core.worktree")
			must(r.tb, os.RemoveAll(r.path("libs/lib/deep/inner")))
		}, all, nil},
		{"inner one absent", func(r repo) {
			must(r.tb, os.RemoveAll(r.path("libs/lib/deep/inner/.git")))
			must(r.tb, os.RemoveAll(r.path(".git/modules/the libs/lib/modules")))
		}, all[:4], []string{"submodule libs/lib/deep/inner is missing: not a git repository"}},
		{"absent", func(r repo) {
			r.git("submodule", "--quiet", "deinit", "--force", "--all")
			must(r.tb, os.RemoveAll(r.path(".git/modules")))
		}, all[:2], []string{"submodule libs/lib is missing"}},
		{"commit absent", func(r repo) {
			r.git("update-index", "--cacheinfo", "160000,"+strings.Repeat("5", 40)+",libs/lib")
			r.git("commit", "-q", "-m", "another")
		}, all[:2], []string{"Not a valid object name 555555555555"}},
		{"unreadable", func(r repo) {
			must(r.tb, os.WriteFile(r.path("libs/lib/.git"), []byte("gitdir: /none\n"), 0o644))
		}, all[:2], []string{"not a git repository"}},
		{"not named", func(r repo) {
			r.git("submodule", "--quiet", "deinit", "--force", "--all")
			r.git("rm", "-q", "--cached", ".gitmodules")
			must(r.tb, os.Remove(r.path(".gitmodules")))
			r.git("commit", "-q", "-m", "unnamed")
		}, all[1:2], []string{"submodule libs/lib is missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := withSubmodules(t)
			tt.change(r)
			before := bytesOf(t, r.dir)
			c := r.checkout(Options{}, r.head())
			same(t, "files", tt.files, keys(contents(t, c.Top())))
			same(t, "sentences", len(tt.missing), len(c.Missing()))
			for i, text := range tt.missing {
				if i < len(c.Missing()) && !strings.Contains(c.Missing()[i], text) {
					t.Errorf("%q is not in %q", text, c.Missing()[i])
				}
			}
			in := r.at(c)
			same(t, "status", "", in.git("status", "--porcelain"))
			if len(tt.missing) == 0 {
				if data, err := os.ReadFile(in.path("libs/lib/b")); err != nil || string(data) != "1" {
					t.Errorf("%q, %v", data, err)
				}
				in.in("libs/lib").commit(map[string]string{"b": "mine"})
			}
			same(t, "the user's repository", before, bytesOf(t, r.dir))
		})
	}
}

// A submodule's name comes from a file that anybody may have written.
func TestSubmoduleNameLeadsOut(t *testing.T) {
	t.Parallel()
	other, r := newRepo(t), newRepo(t)
	commit := other.commit(map[string]string{"secret": "1"})
	// As many folders as it may take to get to the root.
	name := strings.Repeat("../", 16) + strings.TrimPrefix(other.dir, "/") + "/.git"
	r.write(map[string]string{".gitmodules": "[submodule \"" + name + "\"]\n\tpath = lib\n\turl = x\n"})
	r.git("add", ".gitmodules")
	r.git("update-index", "--add", "--cacheinfo", "160000,"+string(commit)+",lib")
	r.git("commit", "-q", "-m", "a")
	c := r.checkout(Options{}, r.head())
	same(t, "files", []string{".gitmodules"}, keys(contents(t, c.Top())))
	same(t, "sentences", 1, len(c.Missing()))
}
