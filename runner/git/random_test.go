package git

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// operation is a random step that is done alike in both repositories.
type operation struct {
	kind, path, content string
	executable          bool
}

func drawOperation(t *rapid.T) operation {
	// Few names, so that files and folders take each other's places.
	name := rapid.SampledFrom([]string{"a", "b", "a.b", "a-b", "é", "x y"})
	parts := rapid.SliceOfN(name, 1, 3).Draw(t, "path")
	return operation{
		kind:       rapid.SampledFrom([]string{"write", "write", "write", "remove", "link", "stage"}).Draw(t, "kind"),
		path:       strings.Join(parts, "/"),
		content:    rapid.StringMatching(`[xy\r\n]{0,6}`).Draw(t, "content"),
		executable: rapid.Bool().Draw(t, "executable"),
	}
}

// do carries an operation out; in the way of a file, everything goes.
func (c checkout) do(o operation) {
	c.tb.Helper()
	switch o.kind {
	case "stage":
		// A folder or nothing at all may be there.
		_, _ = c.try("", "--literal-pathspecs", "add", "-A", "--", o.path)
	case "remove":
		if _, err := os.Lstat(c.path(o.path)); err == nil {
			c.remove(o.path)
		}
	default:
		for dir := range folders(o.path) {
			if info, err := os.Lstat(c.path(dir)); err == nil && !info.IsDir() {
				c.remove(dir)
			}
		}
		c.remove(o.path)
		if o.kind == "link" {
			must(c.tb, os.MkdirAll(filepath.Dir(c.path(o.path)), 0o755))
			c.link("nowhere", o.path)
			return
		}
		c.write(o.path, o.content)
		if o.executable {
			must(c.tb, os.Chmod(c.path(o.path), 0o755))
		}
	}
}

// drawPlace gives a random state that a repository may be in apart from its
// files: git commands to get there, and whether a linked work tree is used.
func drawPlace(t *rapid.T) (commands [][]string, linked bool) {
	place := rapid.SampledFrom([]string{"plain", "packed", "detached", "branch", "linked", "v4", "unborn"}).Draw(t, "place")
	switch place {
	case "packed":
		commands = [][]string{{"gc", "-q"}}
	case "detached":
		commands = [][]string{{"checkout", "-q", "--detach"}}
	case "branch":
		commands = [][]string{{"checkout", "-q", "-b", "topic/é"}, {"pack-refs", "--all"}}
	case "v4":
		commands = [][]string{{"update-index", "--index-version", "4"}}
	case "unborn":
		commands = [][]string{{"symbolic-ref", "HEAD", "refs/heads/new/one"}}
	}
	return commands, place == "linked"
}

// twin makes one of two equal repositories.
func twin(tb testing.TB, origin checkout, commands [][]string, linked bool) checkout {
	tb.Helper()
	c := checkout{tb: tb, dir: filepath.Join(tb.TempDir(), "twin"), env: origin.env}
	must(tb, os.CopyFS(c.dir, os.DirFS(origin.dir)))
	for _, args := range commands {
		c.git(args...)
	}
	if linked {
		side := checkout{tb: tb, dir: c.dir + "-side", env: c.env}
		c.git("worktree", "add", "-q", "-b", "side", side.dir)
		return side
	}
	return c
}

// flagged are operations on the index alone; git may refuse them.
func (c checkout) flag(kind, path string) {
	c.tb.Helper()
	args := map[string][]string{
		"intend":   {"add", "-N", "-f", "--", path},
		"unstage":  {"rm", "-q", "--cached", "-f", "--", path},
		"assume":   {"update-index", "--assume-unchanged", "--", path},
		"unassume": {"update-index", "--no-assume-unchanged", "--", path},
	}[kind]
	_, _ = c.try("", append([]string{"--literal-pathspecs"}, args...)...)
}

// TestRandomAgainstGit compares random commits with those of git commit
// --only in a twin of the repository: commit, index and status.
func TestRandomAgainstGit(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts thousands of processes")
	}
	origin := newCheckout(t)
	for _, name := range []string{"a", "b", "a.b/a", "a-b/b", "é/x y", "x y/a/b", "ignored"} {
		origin.write(name, name)
	}
	origin.write(".gitignore", "ignored*\nx?y/b\n")
	origin.git("add", "-f", ".")
	origin.commitAll("start")
	compared := 0
	rapid.Check(t, func(rt *rapid.T) {
		commands, linked := drawPlace(rt)
		ours, theirs := twin(t, origin, commands, linked), twin(t, origin, commands, linked)
		r, err := Open(ours.dir, ours.env)
		must(t, err)
		defer func() { must(t, r.Close()) }()
		for range 2 {
			operations := rapid.SliceOfN(rapid.Custom(drawOperation), 1, 8).Draw(rt, "operations")
			kind := rapid.SampledFrom([]string{"", "intend", "unstage", "assume"}).Draw(rt, "flag")
			for _, c := range []checkout{ours, theirs} {
				for _, o := range operations {
					c.do(o)
				}
				if kind != "" {
					c.flag(kind, operations[0].path)
				}
			}
			if !sameCommit(rt, t, r, ours, theirs) {
				return
			}
			compared++
		}
	})
	t.Logf("%d equal commits", compared)
}

// sameCommit commits a random part of what changed in both; false where git
// refuses, after which its index isn't the twin's any more.
func sameCommit(rt *rapid.T, t *testing.T, r *Repo, ours, theirs checkout) bool {
	t.Helper()
	candidates := commitable(t, r, ours)
	if len(candidates) == 0 {
		return false
	}
	paths := rapid.SliceOfNDistinct(rapid.SampledFrom(candidates), 1, min(len(candidates), 4), rapid.ID[string]).Draw(rt, "paths")
	before := randomState(ours)
	commit := r.Commit
	if rapid.Bool().Draw(rt, "by git commit") {
		commit = r.CommitOnly
	}
	_, err := commit(t.Context(), CommitRequest{Paths: paths, Message: "random"})
	refused := gitCommits(theirs, paths)
	if refused != nil {
		if err == nil {
			rt.Fatalf("git refuses %q, and we don't: %v", paths, refused)
		}
		if diff := cmp.Diff(before, randomState(ours)); diff != "" {
			rt.Fatalf("after %v (-before +after):\n%s", err, diff)
		}
		return false
	}
	if err != nil {
		rt.Fatalf("git commits %q, and we don't: %v", paths, err)
	}
	// git forgets that a file which it commits was assumed to be unchanged, but not
	// where its times prove that it is: that depends on the second.
	for _, c := range []checkout{ours, theirs} {
		if strings.Contains(c.git("ls-files", "-v"), "h ") {
			for _, p := range paths {
				c.flag("unassume", p)
			}
		}
	}
	if diff := cmp.Diff(randomState(theirs), randomState(ours)); diff != "" {
		rt.Fatalf("after %q (-git +ours):\n%s\n%s", paths, diff,
			cmp.Diff(theirs.git("show", "--raw", "--format=raw"), ours.git("show", "--raw", "--format=raw")))
	}
	return true
}

// commitable lists the paths that git commit --only would take for one file: not
// those where a folder is now, nor those where nothing is and HEAD or the index
// has a folder, because it takes these for all their files.
func commitable(t *testing.T, r *Repo, c checkout) []string {
	t.Helper()
	changes, err := r.Status(t.Context())
	must(t, err)
	indexed := strings.Split(c.git("ls-files", "-z"), "\x00")
	names := slices.Clone(indexed)
	for _, change := range changes {
		names = append(names, change.Path)
	}
	inHead, err := c.try("", "ls-tree", "-r", "-d", "-z", "--name-only", "HEAD")
	if err != nil { // no commit yet
		inHead = ""
	}
	folders := strings.Split(inHead, "\x00")
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(p string) bool {
		info, err := os.Lstat(c.path(p))
		if err == nil {
			return info.IsDir()
		}
		return slices.Contains(folders, p) || // "" is none
			slices.ContainsFunc(indexed, func(name string) bool { return below(name, p) })
	})
}

// gitCommits is the oracle; new paths must be named to its index first.
func gitCommits(c checkout, paths []string) error {
	indexed := strings.Split(c.git("ls-files", "-z"), "\x00")
	add := []string{"--literal-pathspecs", "add", "-N", "-f", "--"}
	fixed := len(add)
	for _, p := range paths {
		if _, err := os.Lstat(c.path(p)); err == nil && !slices.Contains(indexed, p) {
			add = append(add, p)
		}
	}
	if len(add) > fixed {
		_, _ = c.try("", add...) // commit says what is wrong
	}
	known, err := c.try("", "ls-files", "-z", "--with-tree=HEAD")
	if err != nil { // no commit yet
		known = c.git("ls-files", "-z")
	}
	// A path that add has replaced by a file is not known any more.
	paths = slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		return !slices.Contains(strings.Split(known, "\x00"), p)
	})
	if len(paths) == 0 {
		return errors.New("none of the paths is known")
	}
	_, err = c.try("random\n", append([]string{"--literal-pathspecs", "commit", "-q", "--only", "-F", "-", "--"}, paths...)...)
	return err
}

// randomState is what both must agree on; the status has HEAD's hash.
func randomState(c checkout) []string {
	c.tb.Helper()
	return []string{
		c.git("ls-files", "-s", "-v"),
		c.git("status", "--porcelain=v2", "--branch", "--untracked-files=all"),
	}
}
