package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadSHA256 reads by the git program what is read natively elsewhere.
func TestReadSHA256(t *testing.T) {
	t.Parallel()
	c := checkout{tb: t, dir: t.TempDir(), env: isolatedEnv(t)}
	c.git("init", "-q", "--template=", "-b", "main", "--object-format=sha256")
	unborn, err := c.open().Head()
	if want := (Head{Ref: "refs/heads/main"}); unborn != want || err != nil {
		t.Errorf("Head = %v, %v, want %v", unborn, err, want)
	}
	big := strings.Repeat("big\n", 50_000)
	c.write("a.txt", "a\n")
	c.write("dir/sub/deep", "3\n")
	c.write("big", big)
	c.write("empty", "")
	c.link("a.txt", "sym")
	first := c.commitAll("first")
	c.write("dir/sub/deep", "4\n")
	second := c.commitAll("second")
	r := c.open()
	if head, err := r.Head(); head != (Head{"refs/heads/main", second}) || err != nil {
		t.Errorf("Head = %v, %v, want %v", head, err, second)
	}
	if got, err := r.Resolve(t.Context(), "main~1"); got != first || err != nil {
		t.Errorf("Resolve = %v, %v, want %v", got, err, first)
	}
	if got, err := r.Tree(second); got != Hash(c.line("rev-parse", "HEAD^{tree}")) || err != nil {
		t.Errorf("Tree = %v, %v", got, err)
	}
	if got, err := r.Entry(first, "dir/sub"); got != Hash(c.line("rev-parse", "HEAD~1:dir/sub")) || err != nil {
		t.Errorf("Entry = %v, %v", got, err)
	}
	for name, want := range map[string]string{"a.txt": "a\n", "dir/sub/deep": "4\n", "big": big, "empty": "", "sym": "a.txt"} {
		if got, err := r.ReadFile(second, name); string(got) != want || err != nil {
			t.Errorf("ReadFile(%s): %d bytes, %v", name, len(got), err)
		}
	}
	files, err := r.List(second)
	must(t, err)
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
	}
	if diff := cmp.Diff(strings.Fields(c.git("ls-files")), names); diff != "" {
		t.Errorf("List:\n%s", diff)
	}
	if _, err := r.ReadFile(second[:40], "a.txt"); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("a sha1 name: %v", err)
	}
	if _, err := r.ReadFile(Hash(strings.Repeat("1", 64)), "a.txt"); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("no such commit: %v", err)
	}
	if data, err := r.ReadFile(second, "a.txt"); string(data) != "a\n" || err != nil {
		t.Errorf("after that: %q, %v", data, err)
	}
}

// TestReplacedObject wants an object's own content, by both ways of reading.
func TestReplacedObject(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"sha1", "sha256"} {
		c := checkout{tb: t, dir: t.TempDir(), env: isolatedEnv(t)}
		c.git("init", "-q", "--template=", "-b", "main", "--object-format="+format)
		c.write("f", "one")
		first := c.commitAll("first")
		c.write("f", "two")
		second := c.commitAll("second")
		c.git("replace", string(second), string(first))
		if data, err := c.open().ReadFile(second, "f"); string(data) != "two" || err != nil {
			t.Errorf("%s: %q, %v", format, data, err)
		}
	}
}

// TestPartialClone lets git fetch what is missing, and names what it can't.
func TestPartialClone(t *testing.T) {
	t.Parallel()
	origin := newCheckout(t)
	for i := range 3 {
		origin.write("f", fmt.Sprint("f", i))
		origin.write("g", fmt.Sprint("g", i))
		origin.commitAll(fmt.Sprint(i))
	}
	origin.git("config", "uploadpack.allowFilter", "true")
	origin.git("config", "uploadpack.allowAnySHA1InWant", "true")
	c := checkout{tb: t, dir: t.TempDir() + "/clone", env: origin.env}
	origin.git("clone", "-q", "--no-checkout", "--filter=blob:none", "file://"+origin.dir, c.dir)
	head := c.head()
	r := c.open()
	if data, err := r.ReadFile(head, "f"); string(data) != "f2" || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	must(t, os.Rename(origin.dir, origin.dir+".away"))
	older := Hash(c.line("rev-parse", "HEAD~1"))
	_, err := r.ReadFile(older, "f")
	if failed, ok := errors.AsType[*CommandError](err); !ok || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("offline: ReadFile = %v (%v), want git's reason", err, failed)
	}
	alone, err := Open(c.dir, []string{"PATH="})
	must(t, err)
	defer alone.Close()
	if _, err := alone.ReadFile(older, "f"); !errors.Is(err, errNoObject) {
		t.Errorf("without git: ReadFile = %v, want errNoObject", err)
	}
}
