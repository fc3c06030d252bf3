package git

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeep wants content, modes and names back as they were given, and nothing
// else changed, in every form of repository that this git can make.
func TestKeep(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			c := checkout{tb: t, dir: t.TempDir(), env: isolatedEnv(t)}
			c.git("init", "-q", "--template=", "-b", "main", "--object-format="+format)
			c.write("a.txt", "one\n")
			c.write(".gitattributes", "* text=auto eol=crlf\n")
			c.commitAll("base")
			c.write("a.txt", "staged\n")
			c.git("add", "a.txt")
			staged := Hash(strings.TrimSpace(c.git("rev-parse", ":a.txt")))
			before := c.git("status", "--porcelain=v2", "--branch")
			r := c.open()
			const ref = "refs/chant/test"
			files := []KeptFile{
				{Path: "index/a.txt", Version: Version{"100755", staged}},
				{Path: "worktree/a\nb \"c\\d\" ü\xff", Version: Version{Mode: "100644"}, Data: []byte("a\r\nb\n\x00\xff")},
				{Path: "worktree/empty", Version: Version{Mode: "100644"}},
				{Path: "worktree/link", Version: Version{Mode: "120000"}, Data: []byte("to/no where")},
			}
			for i := range 150 { // more than git leaves unpacked
				files = append(files, KeptFile{Path: fmt.Sprintf("worktree/many/%03d", i), Version: Version{Mode: "100644"}, Data: fmt.Append(nil, "file ", i)})
			}
			commit, err := r.Keep(t.Context(), ref, "words\nof two lines", files)
			must(t, err)
			listed, err := r.List(commit)
			must(t, err)
			if len(listed) != len(files) {
				t.Fatalf("%d files, want %d", len(listed), len(files))
			}
			for i, want := range files {
				got := listed[i]
				data, err := r.ReadFile(commit, want.Path)
				must(t, err)
				if got.Path != want.Path || got.Mode != want.Mode || want.Hash == "" && string(data) != string(want.Data) || want.Hash != "" && got.Hash != want.Hash {
					t.Errorf("got %+v with %q, want %+v", got, data, want)
				}
			}
			if got := strings.TrimSpace(c.git("rev-parse", ref)); got != string(commit) {
				t.Errorf("%s is %s, want %s", ref, got, commit)
			}
			if diff := cmp.Diff(before, c.git("status", "--porcelain=v2", "--branch")); diff != "" {
				t.Errorf("status (-before +after):\n%s", diff)
			}
			if _, err := r.Keep(t.Context(), "refs/chant/../x", "m", files); err == nil {
				t.Error("a bad ref was taken")
			}
			must(t, r.DropRef(t.Context(), ref))
			must(t, r.DropRef(t.Context(), ref))
			if got := c.git("for-each-ref", "refs/chant"); got != "" {
				t.Errorf("left: %s", got)
			}
			c.git("fsck", "--strict")
		})
	}
}

func TestStage(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("reset", "-q", "--hard")
	c.write("new", "new\n")
	c.write("a.txt", "changed\n")
	c.git("add", "new", "a.txt")
	c.git("rm", "-q", "--cached", "b.txt")
	c.git("update-index", "--chmod=+x", "dir/one")
	r := c.open()
	changes, err := r.Status(t.Context())
	must(t, err)
	want := c.git("diff", "--cached")
	versions := map[string]Version{}
	for _, change := range changes {
		if change.Staged {
			versions[change.Path] = change.Index
		}
	}
	if len(versions) != 4 {
		t.Fatalf("staged: %v", versions)
	}
	c.git("reset", "-q")
	must(t, r.Stage(t.Context(), versions))
	if diff := cmp.Diff(want, c.git("diff", "--cached")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.write(".git/index.lock", "")
	r.patience = 0
	if err := r.Stage(t.Context(), versions); !isLocked(err) {
		t.Errorf("under a lock: %v", err)
	}
}

func isLocked(err error) bool {
	_, ok := errors.AsType[*LockedError](err)
	return ok
}
