package checkout

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chant/runner/git"
)

// Whatever the user's repository is like, the checkout has the files of a commit
// as git writes them there, git works in it, and the user's repository stays as it was.
func TestCommit(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"a": "1\n", "dir/b": "2\n"}
	three := func(t *testing.T) repo {
		r := newRepo(t)
		r.commit(nil)
		r.commit(map[string]string{"a": "0\n"})
		r.commit(plain)
		return r
	}
	for _, tt := range []struct {
		name    string
		make    func(t *testing.T) repo
		files   map[string]string
		commits int // that git log shows
	}{
		{"plain", three, plain, 3},
		{"packed", func(t *testing.T) repo {
			r := three(t)
			r.git("gc", "-q")
			return r
		}, plain, 3},
		{"shallow", func(t *testing.T) repo { return three(t).clone("--depth=1") }, plain, 1},
		{"partial", func(t *testing.T) repo {
			r := three(t).clone("--filter=blob:none", "--no-checkout")
			r.git("config", "protocol.file.allow", "always")
			return r
		}, plain, 3},
		{"linked", func(t *testing.T) repo {
			r := three(t)
			linked := emptyFolder(t)
			r.git("worktree", "add", "-q", "--detach", linked.dir)
			return linked
		}, plain, 3},
		{"sha256", func(t *testing.T) repo {
			r := newRepo(t, "--object-format=sha256")
			r.commit(plain)
			return r
		}, plain, 1},
		{"sparse", func(t *testing.T) repo {
			r := three(t)
			r.git("sparse-checkout", "set", "--no-cone", "/a")
			if _, err := os.Lstat(r.path("dir")); err == nil {
				t.Fatal("the user's work tree is not sparse")
			}
			return r
		}, plain, 3},
		{"relative alternates", func(t *testing.T) repo {
			from, r := three(t), newRepo(t)
			rel, err := filepath.Rel(r.path(".git/objects"), from.path(".git/objects"))
			must(t, err)
			r.write(map[string]string{".git/objects/info/alternates": rel + "\n"})
			r.git("reset", "-q", "--hard", string(from.head()))
			return r
		}, plain, 3},
		{"odd folder name", func(t *testing.T) repo {
			r := newRepo(t).in("a \"b\" # \\é")
			must(t, os.Mkdir(r.dir, 0o755))
			r.git("init", "-q", "--template=", "-b", "main")
			r.commit(plain)
			return r
		}, plain, 1},
		{"line endings", func(t *testing.T) repo {
			r := newRepo(t)
			r.git("config", "core.eol", "crlf")
			r.commit(map[string]string{".gitattributes": "a text\n", "a": "1\r\n"})
			return r
		}, map[string]string{".gitattributes": "a text\n", "a": "1\r\n"}, 1},
		{"encoding and ident", func(t *testing.T) repo {
			r := newRepo(t)
			r.commit(map[string]string{".gitattributes": "u working-tree-encoding=UTF-16BE\ni ident\n", "u": "\x00h\x00\n", "i": "$Id$"})
			return r
		}, map[string]string{
			".gitattributes": "u working-tree-encoding=UTF-16BE\ni ident\n", "u": "\x00h\x00\n",
			"i": "$Id: b3f5ebfb5843bc43ceecff6d4f26bb37c615beb1 $",
		}, 1},
		{"filter by info/attributes", func(t *testing.T) repo {
			r := newRepo(t)
			r.git("config", `filter.a"b.clean`, "tr A-Z a-z")
			r.git("config", `filter.a"b.smudge`, `tr a-z "A-Z" # \ `)
			r.git("config", `filter.a"b.required`, "true")
			r.write(map[string]string{".git/info/attributes": "up filter=a\"b\n"})
			r.commit(map[string]string{"up": "HELLO"})
			return r
		}, map[string]string{"up": "HELLO"}, 1},
		{"attributes file of the configuration", func(t *testing.T) repo {
			r := newRepo(t)
			r.git("config", "core.attributesFile", ".git/mine")
			r.write(map[string]string{".git/mine": "a text eol=crlf\n"})
			r.commit(map[string]string{"a": "1\r\n"})
			return r
		}, map[string]string{"a": "1\r\n"}, 1},
		{"long-running filter that stores pointers", func(t *testing.T) repo {
			r := newRepo(t)
			r.write(map[string]string{".git/store/p1": "large content"})
			r.git("config", "filter.lfs.smudge", `cat "`+r.path(".git/store")+`/$(cat)"`)
			r.git("config", "filter.lfs.clean", "cat > /dev/null; echo p1")
			r.commit(map[string]string{".gitattributes": "*.bin filter=lfs\n", "a.bin": "large content"})
			same(t, "the blob", "p1", r.git("cat-file", "blob", "HEAD:a.bin"))
			return r
		}, map[string]string{".gitattributes": "*.bin filter=lfs\n", "a.bin": "large content"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := tt.make(t)
			before := bytesOf(t, r.dir)
			c := r.checkout(Options{}, r.head())
			in := r.at(c)
			same(t, "files", tt.files, contents(t, c.Top()))
			same(t, "HEAD", c.Commit(), in.head())
			same(t, "tree", string(c.Tree()), in.git("rev-parse", "HEAD^{tree}"))
			same(t, "status", "", in.git("status", "--porcelain", "--ignored"))
			same(t, "commits", tt.commits, strings.Count(in.git("log", "--format=tformat:x"), "x"))
			same(t, "the user's repository", keys(before), keys(bytesOf(t, r.dir)))
			same(t, "the user's repository", before, bytesOf(t, r.dir))
		})
	}
}

// A checkout has the user's refs under their own names, HEAD on none of them, and
// no hooks.
func TestRefs(t *testing.T) {
	t.Parallel()
	upstream := newRepo(t)
	first := upstream.commit(map[string]string{"a": "1"})
	upstream.git("tag", "-a", "-m", "one", "v1")
	r := upstream.clone()
	r.git("branch", "topic")
	r.commit(map[string]string{"a": "2"})
	hook := "#!/bin/sh\necho ran >> '" + r.path("hook-ran") + "'\n"
	for _, name := range []string{"post-checkout", "reference-transaction"} {
		r.write(map[string]string{"../hooks/" + name: hook})
		must(t, os.Chmod(r.path("../hooks/"+name), 0o755))
	}
	r.git("config", "--file", r.path("../global"), "core.hooksPath", r.path("../hooks"))
	r.env = append(r.env, "GIT_CONFIG_GLOBAL="+r.path("../global"))
	c := r.checkout(Options{}, first)
	in := r.at(c)
	same(t, "refs", r.git("for-each-ref"), in.git("for-each-ref"))
	same(t, "described", "v1", in.git("describe"))
	if out, err := in.try("", "symbolic-ref", "HEAD"); err == nil {
		t.Errorf("HEAD is on %s", out)
	}
	in.git("commit", "-q", "--allow-empty", "-m", "mine")
	if _, err := os.Lstat(r.path("hook-ran")); err == nil {
		t.Error("a hook ran")
	}
}

// What is done with git in a checkout reaches neither the user's repository nor
// its remotes.
func TestNothingReachesTheUser(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{"", "--filter=blob:none"} {
		t.Run("clone "+filter, func(t *testing.T) {
			t.Parallel()
			upstream := newRepo(t)
			upstream.git("config", "receive.denyCurrentBranch", "ignore")
			upstream.commit(map[string]string{"a": "1", ".gitignore": "x"})
			r := upstream.clone(strings.Fields("-c protocol.file.allow=always " + filter)...)
			commit := r.commit(map[string]string{"a": "2"})
			c := r.checkout(Options{}, commit)
			in := r.at(c)
			before, upstreamBefore := bytesOf(t, r.dir), bytesOf(t, upstream.dir)
			in.commit(map[string]string{"a": "3", "new": "4"})
			in.git("branch", "-f", "main")
			in.git("branch", "other")
			in.git("update-ref", "-d", "refs/remotes/origin/main")
			in.git("tag", "mine")
			in.write(map[string]string{"a": "5"})
			in.git("stash")
			in.git("config", "user.name", "Someone Else")
			in.git("pack-refs", "--all")
			for _, args := range [][]string{{"push"}, {"push", "origin", "HEAD:main"}, {"push", "-f", "origin", "main"}} {
				if out, err := in.try("", args...); err == nil {
					t.Errorf("git %q works: %s", args, out)
				}
			}
			same(t, "the user's repository", before, bytesOf(t, r.dir))
			same(t, "its remote", upstreamBefore, bytesOf(t, upstream.dir))
		})
	}
}

// Git sets variables for its hooks that lead other git processes to the user's
// HEAD and index.
func TestInsideAHook(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	r.commit(map[string]string{"a": "2"})
	r.write(map[string]string{"a": "staged"})
	r.git("add", "a")
	before := bytesOf(t, r.dir)
	plain := r.env
	r.env = append(r.env, "GIT_DIR="+r.path(".git"), "GIT_INDEX_FILE="+r.path(".git/index"), "GIT_WORK_TREE="+r.dir,
		"GIT_OBJECT_DIRECTORY="+r.path(".git/objects"), "GIT_COMMON_DIR="+r.path(".git"), "GIT_PREFIX=", "GIT_NAMESPACE=x")
	c := r.checkout(Options{Setup: []string{"git rev-parse HEAD > where"}}, first)
	r.env = plain
	same(t, "files", map[string]string{"a": "1", "where": string(first) + "\n"}, contents(t, c.Top()))
	made, err := r.open(Options{}).Tree(t.Context(), first, []Change{{Path: "a", Mode: "100644", Data: []byte("3")}})
	must(t, err)
	must(t, made.Close())
	same(t, "the user's repository", before, bytesOf(t, r.dir))
}

// A checkout that lacks files is none, and the error says which or why.
func TestMissingFiles(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{".gitattributes": "up filter=up\n", "up": "hello"})
	r.git("config", "filter.up.smudge", "no-such-program-of-chant")
	r.git("config", "filter.up.required", "true")
	temp := t.TempDir()
	_, err := r.open(Options{Temp: temp}).Commit(t.Context(), commit)
	fails(t, err, "checking out commit "+string(commit)[:12], "git checkout", "no-such-program-of-chant")
	empty(t, temp)
	entries, deleted, err := parseFiles("H 100644 aa 0\ta\x00H 100755 bb 0\tb\tc\x00R 100755 bb 0\tb\tc\x00")
	must(t, err)
	same(t, "entries", []string{"a", "b\tc"}, []string{entries[0].Path, entries[1].Path})
	same(t, "deleted", []string{"b\tc"}, deleted)
	if _, _, err := parseFiles("fatal"); err == nil {
		t.Error("no error for what is no list")
	}
}

func TestUnknownCommit(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	temp := t.TempDir()
	s := r.open(Options{Temp: temp})
	unknown := git.Hash(strings.Repeat("5", 40))
	_, err := s.Commit(t.Context(), unknown)
	fails(t, err, "checking out commit 555555555555")
	_, err = s.Tree(t.Context(), unknown, nil)
	fails(t, err, "making a tree on top of commit 555555555555")
	empty(t, temp)
}

func TestForeignOwner(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	if err := os.Chown(r.dir, 12345, 12345); err != nil {
		t.Skip(err)
	}
	must(t, os.Chown(r.path(".git"), 12345, 12345))
	_, err := r.source(Options{})
	fails(t, err, "belongs to another user", "git config --global --add safe.directory "+r.dir)
}

func TestTemp(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{"a": strings.Repeat("content ", 1<<16)})
	_, err := r.source(Options{Temp: filepath.Join(t.TempDir(), "none")})
	fails(t, err, "none", "set TMPDIR")
	must(t, os.Mkdir(r.path("tmp"), 0o755))
	_, err = r.source(Options{Temp: r.path("tmp")})
	fails(t, err, r.path("tmp"), "set TMPDIR")
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(r.path("tmp"), link))
	_, err = r.source(Options{Temp: link})
	fails(t, err, r.path("tmp"), "set TMPDIR")
	for _, tt := range []struct {
		name, options string
		texts         []string
	}{
		{"read-only", "ro,size=1m", []string{"read-only file system", "set TMPDIR to a folder that can be written to"}},
		{"full", "size=400k", []string{"full", "set TMPDIR to a folder on another"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := mounted(t, tt.options)
			_, err := r.open(Options{Temp: dir}).Commit(t.Context(), commit)
			fails(t, err, append(tt.texts, dir)...)
			empty(t, dir)
		})
	}
}

// Checkouts go with their contents, whatever was made of those.
func TestRemove(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commit := r.commit(map[string]string{"dir/sub/a": "1", "b": "2"})
	temp := t.TempDir()
	s := r.open(Options{Temp: temp})
	c, err := s.Commit(t.Context(), commit)
	must(t, err)
	same(t, "the name", true, strings.HasPrefix(filepath.Base(filepath.Dir(c.Top())), "chant-checkout-"))
	same(t, "the folder's name", filepath.Base(r.dir), filepath.Base(c.Top()))
	mkfifo(t, filepath.Join(c.Top(), "fifo"))
	must(t, os.Symlink("/", filepath.Join(c.Top(), "link")))
	must(t, os.Chmod(filepath.Join(c.Top(), "dir/sub"), 0))
	must(t, os.Chmod(filepath.Join(c.Top(), "dir"), 0))
	must(t, os.Chmod(c.Top(), 0o500))
	must(t, os.Chmod(filepath.Dir(c.Top()), 0o500))
	must(t, c.Close())
	must(t, c.Close())
	empty(t, temp)
}

// The configuration of a checkout is read by git as the user's was.
func TestConfigFile(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	user := []setting{
		{"filter.a b\"c\\d.e.clean", "x \\ \"y\"\n\tz # ; é"}, {"filter.EMPTY.smudge", ""},
		{"core.symlinks", "true"}, {"core.attributesfile", "mine"}, {"core.hookspath", "mine"}, {"core.bare", "true"}, {"user.name", "Me"},
		{"remote.my.fork.url", "/up"}, {"remote.my.fork.promisor", "true"}, {"remote.my.fork.partialclonefilter", "blob:none"},
		{"remote.my.fork.fetch", "+refs/*:refs/*"}, {"remote.my.fork.pushurl", "x"}, {"remote.other.url", "x"},
		{"extensions.partialclone", "old"}, {"http.https://x.y/.extraheader", "secret"},
	}
	want := []setting{
		{"core.bare", "false"}, {"core.hookspath", "/dev/null"}, {"core.fsmonitor", "false"}, {"submodule.recurse", "false"},
		{"gc.auto", "0"}, {"maintenance.auto", "false"},
		{"core.repositoryformatversion", "1"}, {"extensions.objectformat", "sha256"},
		user[0], user[1], user[2], {"core.attributesfile", "/top/mine"}, user[7], user[8], user[9], user[14],
		{"remote.my.fork.promisor", "true"}, {"remote.my.fork.pushurl", "/dev/null"},
		{"remote.old.promisor", "true"}, {"remote.old.pushurl", "/dev/null"},
	}
	r.write(map[string]string{"config": configFile(user, "sha256", "/top")})
	got := parseConfig(r.git("config", "--list", "-z", "--file", "config"))
	same(t, "settings", fmt.Sprintf("%q", want), fmt.Sprintf("%q", got))
	same(t, "no value", fmt.Sprintf("%q", []setting{{"core.symlinks", "true"}}), fmt.Sprintf("%q", parseConfig("core.symlinks\x00")))
}
