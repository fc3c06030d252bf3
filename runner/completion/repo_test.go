package completion

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chant/runner/git"
)

// testCommit is a commit of a test's history, with all its files.
type testCommit struct {
	files   map[string]string
	parents []int // the numbers of commits, from 1; of a root none
	time    time.Time
}

// testRepo is a bare repository that git itself answers for.
type testRepo struct {
	dir   string
	env   []string
	blobs map[git.Hash]string
	read  []git.Hash // every blob that was read
	calls []string   // every git command that was run
}

func newTestRepo(tb testing.TB) *testRepo {
	tb.Helper()
	r := &testRepo{dir: tb.TempDir(), blobs: map[git.Hash]string{}, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + tb.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
	}}
	r.git(tb, "", "init", "-q", "--bare", "--template=", "-b", "main")
	r.git(tb, "", "config", "core.fsync", "none")
	r.git(tb, "", "config", "fastimport.unpackLimit", "1")
	return r
}

func (r *testRepo) Run(ctx context.Context, c git.Call) ([]byte, error) {
	r.calls = append(r.calls, c.Args[0])
	return r.run(ctx, c.Stdin, c.Env, c.Args...)
}

func (r *testRepo) run(ctx context.Context, stdin io.Reader, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, slices.Concat(r.env, env), stdin
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %q: %w: %s", args, err, &stderr)
	}
	return out, nil
}

func (r *testRepo) Blob(h git.Hash) ([]byte, error) {
	r.read = append(r.read, h)
	text, ok := r.blobs[h]
	if !ok {
		return nil, fmt.Errorf("no blob %s", h)
	}
	return []byte(text), nil
}

func (r *testRepo) Size(h git.Hash) (int64, error) { return int64(len(r.blobs[h])), nil }

func (r *testRepo) git(tb testing.TB, stdin string, args ...string) string {
	tb.Helper()
	out, err := r.run(tb.Context(), strings.NewReader(stdin), nil, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// blob notes a blob's content and returns its name.
func (r *testRepo) blob(text string) git.Hash {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text))
	h := git.Hash(hex.EncodeToString(sum[:]))
	r.blobs[h] = text
	return h
}

// add makes commits and returns their names in the same order.
func (r *testRepo) add(tb testing.TB, commits []testCommit) []git.Hash {
	tb.Helper()
	var stream bytes.Buffer
	for i, c := range commits {
		importCommit(&stream, i+1, c)
		fmt.Fprintln(&stream, "deleteall")
		for _, name := range slices.Sorted(maps.Keys(c.files)) {
			r.blob(c.files[name])
			importFile(&stream, name, c.files[name])
		}
	}
	return r.fastImport(tb, &stream)
}

func importCommit(w io.Writer, number int, c testCommit) {
	fmt.Fprintf(w, "commit refs/heads/b%d\nmark :%d\ncommitter C <c@example.org> %d +0000\ndata 0\n", number, number, c.time.Unix())
	for i, parent := range c.parents {
		fmt.Fprintf(w, "%s :%d\n", []string{"from", "merge"}[min(i, 1)], parent)
	}
}

func importFile(w io.Writer, name, text string) {
	fmt.Fprintf(w, "M 100644 inline %q\ndata %d\n%s\n", name, len(text), text)
}

func (r *testRepo) fastImport(tb testing.TB, stream *bytes.Buffer) []git.Hash {
	tb.Helper()
	marks := filepath.Join(tb.TempDir(), "marks")
	r.git(tb, stream.String(), "fast-import", "--quiet", "--force", "--export-marks="+marks)
	text, err := os.ReadFile(marks)
	if err != nil {
		tb.Fatal(err)
	}
	hashes := make([]git.Hash, bytes.Count(text, []byte("\n")))
	for line := range strings.Lines(string(text)) {
		var n int
		var hash string
		if _, err := fmt.Sscanf(line, ":%d %s", &n, &hash); err != nil {
			tb.Fatal(err)
		}
		hashes[n-1] = git.Hash(hash)
	}
	return hashes
}

// shallow cuts history behind commits.
func (r *testRepo) shallow(tb testing.TB, commits ...git.Hash) {
	tb.Helper()
	file := filepath.Join(r.dir, "shallow")
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		tb.Fatal(err)
	}
	if len(commits) == 0 {
		return
	}
	var text strings.Builder
	for _, c := range commits {
		fmt.Fprintln(&text, c)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// line makes a history without merges of what its commits hold, one an hour.
func line(trees ...map[string]string) []testCommit {
	commits := make([]testCommit, len(trees))
	for i, files := range trees {
		commits[i] = testCommit{files: files, time: hour(i + 1)}
		if i > 0 {
			commits[i].parents = []int{i}
		}
	}
	return commits
}

// merged sets the parents of some commits of a history, by number.
func merged(commits []testCommit, parents map[int][]int) []testCommit {
	for number, list := range parents {
		commits[number-1].parents = list
	}
	return commits
}

func hour(n int) time.Time { return time.Date(2026, 1, 1, n, 0, 0, 0, time.UTC) }

func withStatus(word string) string { return "---\nstatus: " + word + "\n---\n# T\n" }

const criteria = "\n## Acceptance Criteria\n\n- [x] Works\n"

// completedAt is a spec that says when it was completed: by commit n.
func completedAt(n int) string {
	return "---\nstatus: completed\ncompleted_at: " + hour(n).Format(time.RFC3339) + "\n---\n# T\n" + criteria
}

// at is what a commit holds: paths, each followed by its content.
func at(files ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = files[i+1]
	}
	return m
}
