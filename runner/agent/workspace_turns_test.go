package agent

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/record"
	"chant/spec"
)

// An agent that runs again changes what it changed, or takes it back.
func TestWorkspaceAttempts(t *testing.T) {
	t.Parallel()
	user := newRepo(t, func(d dir) { d.write("src/a", "1"); d.write("src/b", "1") })
	user.write("src/b", "2")
	k := sitDown(t, user, "src")
	k.work.write("src/a", "2")
	k.work.remove("src/b")
	k.work.write("src/c", "2")
	k.read()
	k.work.write("src/a", "1")
	k.work.write("src/b", "2")
	k.work.write("src/c", "3")
	changes, conflicts := k.bringBack()
	if diff := cmp.Diff(Changes{Targets: []string{"src/c"}}, changes); diff != "" || conflicts.Conflicts != nil {
		t.Errorf("conflicts %v, changes (-want +got):\n%s", conflicts, diff)
	}
	want := tree{".gitignore": "100644 *.o\nout/\n", "src/a": "100644 1", "src/b": "100644 2", "src/c": "100644 3"}
	if diff := cmp.Diff(want, user.files()); diff != "" {
		t.Errorf("the work tree (-want +got):\n%s", diff)
	}
	k.checkStored()
}

// What an agent does to its checkout after Read, by a process that it left running,
// is neither checked nor brought back.
func TestWorkspaceKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	user := newRepo(t, func(d dir) { d.write("a", "1"); d.write("b", "1") })
	user.write("b", "2")
	k := sitDown(t, user, "a, b")
	k.work.write("a", "2")
	k.read()
	k.work.write("a", "3")
	k.work.write("b", "3")
	must(t, k.w.BringBack(t.Context(), &record.AgentRun{}, "aside"))
	if got := user.files(); got["a"] != "100644 2" || got["b"] != "100644 2" {
		t.Errorf("came back: %v", got)
	}
	k.checkStored()
}

func TestWorkspaceGone(t *testing.T) {
	t.Parallel()
	for name, vanish := range map[string]func(d dir){
		"removed": func(d dir) { d.remove("") },
		"replaced": func(d dir) {
			must(d.tb, os.Rename(d.top, d.top+"-away"))
			must(d.tb, os.Symlink("/", d.top))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := newRepo(t, func(d dir) { d.write("a", "1") })
			k := sitDown(t, user, "a, b")
			k.work.write("b", "2")
			k.read()
			vanish(k.work)
			if err := k.w.Read(t.Context(), &record.AgentRun{}); !errors.Is(err, ErrNoFolder) {
				t.Errorf("Read: %v, want ErrNoFolder", err)
			}
			if err := k.w.BringBack(t.Context(), &record.AgentRun{}, "aside"); err != nil { // of the first attempt
				t.Error(err)
			}
			if got := user.files(); got["a"] != "100644 1" || got["b"] != "100644 2" {
				t.Errorf("the work tree is %v", got)
			}
		})
	}
}

// A file in a submodule belongs to another repository.
func TestWorkspaceSubmodule(t *testing.T) {
	t.Parallel()
	other := newRepo(t, func(d dir) { d.write("f", "1") })
	user := newRepo(t, func(d dir) {
		d.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.top, "sub")
	})
	other.write("f", "2")
	other.git("commit", "-q", "-am", "two")
	user.git("-c", "protocol.file.allow=always", "-C", "sub", "pull", "-q", other.top, "main") // an uncommitted change
	k := sitDown(t, user, "sub, a")
	k.work.write("sub/f", "3")
	k.work.write("sub/n", "3")
	k.work.write("a", "3")
	changes, _ := k.bringBack()
	want := Changes{Targets: []string{"a"}}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	k.checkStored()
}

// Of folders that nobody may read nothing is known, least of all that files are gone.
func TestWorkspaceUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read anything")
	}
	user := newRepo(t, func(d dir) { d.write("src/a", "1"); d.write("src/d/b", "1") })
	k := sitDown(t, user, "src")
	k.work.chmod("src/a", 0)
	k.work.write("src/d/b", "2")
	k.work.chmod("src/d", 0)
	changes, _ := k.bringBack()
	want := Changes{Targets: []string{"src/d/b"}, Modes: nil, Refused: []string{"src/a (not readable)"}}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	const text = "---\nstatus: pending\n---\n# T\n\n## Acceptance Criteria\n\n- [ ] A\n- [x] B\n"
	was, problems := spec.Parse(specPath, []byte(text))
	must(t, problems.Err())
	for _, tt := range []struct {
		name  string
		agent func(d dir)
		want  []string
	}{
		{"nothing", func(dir) {}, []string{}},
		{"a tick", func(d dir) { d.write(specPath, strings.Replace(text, "[ ]", "[x]", 1)) }, []string{"ticked criterion 1"}},
		{"a tick taken away", func(d dir) { d.write(specPath, strings.Replace(text, "[x]", "[ ]", 1)) }, []string{}},
		{"a tick of its own", func(d dir) { d.write(specPath, text+"- [x] C\n") }, []string{"ticked criterion 3"}},
		{"a status", func(d dir) { d.write(specPath, strings.Replace(text, "pending", "completed", 1)) }, []string{"changed its status"}},
		{"no spec", func(d dir) { d.remove(specPath) }, []string{}},
		{"a link", func(d dir) { d.link(specPath, "/etc/passwd") }, []string{}},
		{"a pipe", func(d dir) {
			d.remove(specPath)
			must(d.tb, syscall.Mkfifo(d.path(specPath), 0o644))
		}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := sitDown(t, newRepo(t, func(d dir) { d.write(specPath, text) }), "a")
			tt.agent(k.work)
			k.w.task.Spec = was
			if diff := cmp.Diff(tt.want, k.w.claims()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
