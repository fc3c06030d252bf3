package index_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chant/runner/git/index"
)

// A repo is a repository that the git program made, shut off from the user's
// configuration.
type repo struct {
	t   testing.TB
	dir string
	env []string
}

func newRepo(t testing.TB, config ...string) *repo {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git program")
	}
	dir := t.TempDir()
	configFile := filepath.Join(dir, "config")
	if err := os.WriteFile(configFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &repo{t: t, dir: filepath.Join(dir, "work"), env: []string{
		"HOME=" + dir, "PATH=" + filepath.Dir(program) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"GIT_CONFIG_GLOBAL=" + configFile, "GIT_CONFIG_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
	}}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.git("init", "-q", "--template=")
	text := ""
	// One thread: git then writes no EOIE and IEOT, unless a test wants them.
	for _, kv := range append([]string{"index.threads=1", "status.renames=false"}, config...) {
		key, value, _ := strings.Cut(kv, "=")
		section, name, _ := strings.Cut(key, ".")
		text += "[" + section + "]\n" + name + " = " + value + "\n"
	}
	if err := os.WriteFile(configFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	return r.feed("", args...)
}

// feed runs git with a standard input, and gives its standard output.
func (r *repo) feed(stdin string, args ...string) string {
	r.t.Helper()
	out, stderr, err := r.try(stdin, args...)
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	return out
}

func (r *repo) try(stdin string, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.dir, r.env, strings.NewReader(stdin), &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func (r *repo) write(name, content string) {
	r.t.Helper()
	full := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// touch sets a file's mtime, the index's by ".git/index".
func (r *repo) touch(name string, mtime time.Time) {
	r.t.Helper()
	if err := os.Chtimes(filepath.Join(r.dir, name), mtime, mtime); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repo) index() []byte {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, ".git", "index"))
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

func (r *repo) parse() *index.File {
	r.t.Helper()
	f, err := index.Parse(r.index())
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

func (r *repo) setIndex(data []byte) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, ".git", "index"), data, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repo) removeIndex() {
	r.t.Helper()
	if err := os.RemoveAll(filepath.Join(r.dir, ".git", "index")); err != nil {
		r.t.Fatal(err)
	}
}

// edit replaces the index by an edited one.
func (r *repo) edit(changes []index.Change, o index.EditOptions) {
	r.t.Helper()
	out, err := r.parse().Edit(changes, o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.setIndex(out)
}

// blob stores content, and gives its id.
func (r *repo) blob(content string) [20]byte {
	r.t.Helper()
	return oid(r.t, r.feed(content, "hash-object", "-w", "--stdin"))
}

func oid(t testing.TB, text string) [20]byte {
	t.Helper()
	id, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(id) != 20 {
		t.Fatalf("no object id: %q", text)
	}
	return [20]byte(id)
}

// apply makes the changes with git update-index.
func (r *repo) apply(changes []index.Change) {
	r.t.Helper()
	var info strings.Builder
	for _, c := range changes { // removals first: a folder can then become a file
		if c.Remove {
			fmt.Fprintf(&info, "0 %040d\t%s\x00", 0, c.Path)
		}
	}
	for _, c := range changes {
		if !c.Remove {
			fmt.Fprintf(&info, "%o %x\t%s\x00", c.Mode, c.OID, c.Path)
		}
	}
	r.feed(info.String(), "update-index", "-z", "--index-info")
}

// debug writes entries as git ls-files -s -z --debug does.
func debug(f *index.File) string {
	var b strings.Builder
	for e := range f.All() {
		flags := uint32(e.Stage) << 12
		for bit, set := range map[int]bool{15: e.AssumeValid, 14: e.SkipWorktree || e.IntentToAdd, 29: e.IntentToAdd, 30: e.SkipWorktree} {
			if set {
				flags |= 1 << bit
			}
		}
		s := e.Stat
		fmt.Fprintf(&b, "%06o %x %d\t%s\x00", e.Mode, e.OID, e.Stage, e.Path)
		fmt.Fprintf(&b, "  ctime: %d:%d\n  mtime: %d:%d\n  dev: %d\tino: %d\n  uid: %d\tgid: %d\n  size: %d\tflags: %x\n",
			s.CTimeSec, s.CTimeNsec, s.MTimeSec, s.MTimeNsec, s.Dev, s.Ino, s.UID, s.GID, s.Size, flags)
	}
	return b.String()
}

// extensions gives the content of an index's extensions by name. It finds
// them without the package under test, by the number of bytes in the file that
// follow the last entry.
func extensions(t testing.TB, data []byte) map[string]string {
	t.Helper()
	found := make(map[string]string)
	body := data[:len(data)-20]
	for at := entriesEnd(body); at < len(body); {
		end := at + 8 + int(binary.BigEndian.Uint32(body[at+4:]))
		found[string(body[at:at+4])] = string(body[at+8 : end])
		at = end
	}
	return found
}

func entriesEnd(body []byte) int {
	v4 := body[7] == 4
	at := 12
	for range binary.BigEndian.Uint32(body[8:]) {
		start := at
		at += 62
		if body[start+60]&0x40 != 0 {
			at += 2
		}
		if v4 {
			for body[at]&0x80 != 0 {
				at++
			}
			at++
		}
		at += bytes.IndexByte(body[at:], 0)
		if v4 {
			at++
		} else {
			at = start + (at-start+8)/8*8
		}
	}
	return at
}
