package prove

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chant/runner/git"
)

// blobs makes a tree of files by their content.
func blobs(files ...string) tree {
	t := tree{}
	for i := 0; i < len(files); i += 2 {
		t[files[i]] = entry{mode: modeFile, blob: blobID("", []byte(files[i+1])), data: []byte(files[i+1])}
	}
	return t
}

// contents gives a tree back as text.
func contents(t tree) map[string]string {
	m := map[string]string{}
	for path, e := range t {
		m[path] = string(e.data)
	}
	return m
}

func TestWith(t *testing.T) {
	t.Parallel()
	tests := func(path string) bool { return path == "t" || strings.HasPrefix(path, "t/") }
	for _, tt := range []struct {
		name             string
		head, base, want tree
	}{
		{"put back", blobs("a", "2", "t/x", "2"), blobs("a", "1", "t/x", "1"), blobs("a", "2", "t/x", "1")},
		{"deleted at head", blobs("a", "2"), blobs("a", "1", "t/x", "1"), blobs("a", "2", "t/x", "1")},
		{"new at head", blobs("a", "2", "t/x", "1", "t/y", "2"), blobs("t/x", "1"), blobs("a", "2", "t/x", "1")},
		{"a file became a folder", blobs("a", "2", "t/x", "2"), blobs("t", "1"), blobs("a", "2", "t", "1")},
		{"a folder became a file", blobs("a", "2", "t", "2"), blobs("t/x/y", "1"), blobs("a", "2", "t/x/y", "1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.head.with(tt.base, tests)
			if diff := cmp.Diff(contents(tt.want), contents(got)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if left := changedPaths(got, tt.base, tests); left != nil {
				t.Errorf("the region differs from base in %q", left)
			}
		})
	}
}

// gitHere runs git in dir, away from the user's configuration.
func gitHere(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", args...)
	c.Dir = dir
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.invalid", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.invalid",
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestTreeID asks git, with names that sort in another way as folders.
func TestTreeID(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			gitHere(t, dir, "init", "-q", "--object-format="+format)
			names := []string{"a", "a.b", "a-b/x", "ab/c/d", "ab/c.d", "z/é", "b"}
			for i, name := range names {
				at := filepath.Join(dir, name)
				mode := os.FileMode(0o644)
				if i%2 == 1 {
					mode = 0o755
				}
				if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(at, []byte(name), mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			gitHere(t, dir, "add", "--all")
			got := tree{}
			for line := range strings.SplitSeq(gitHere(t, dir, "-c", "core.quotePath=false", "ls-files", "-s"), "\n") {
				fields, path, _ := strings.Cut(line, "\t")
				parts := strings.Fields(fields)
				got[path] = entry{mode: parts[0], blob: git.Hash(parts[1])}
			}
			if want := gitHere(t, dir, "write-tree"); string(got.id()) != want {
				t.Errorf("got %s, git says %s", got.id(), want)
			}
			if e := got["ab/c/d"]; blobID(e.blob, []byte("ab/c/d")) != e.blob {
				t.Errorf("the blob is %s, git says %s", blobID(e.blob, []byte("ab/c/d")), e.blob)
			}
		})
	}
}

func TestTreeIDTellsTreesApart(t *testing.T) {
	t.Parallel()
	names := rapid.MapOf(rapid.StringMatching(`[ab](/[ab-]){0,2}`), rapid.StringMatching(`[xy]`))
	draw := func(t *rapid.T, label string) tree {
		out := tree{}
		for path, data := range names.Draw(t, label) {
			out.put(path, blobs("f", data)["f"])
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		if same := len(changedPaths(a, b, everywhere)) == 0; same != (a.id() == b.id()) {
			t.Fatalf("same files %t, same id %t: %v and %v", same, a.id() == b.id(), contents(a), contents(b))
		}
	})
}
