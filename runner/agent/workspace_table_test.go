package agent

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestWorkspace(t *testing.T) {
	t.Parallel()
	nothing := func(dir) {}
	for _, tt := range []struct {
		name    string
		targets string
		base    func(d dir) // what is committed
		user    func(d dir) // what the user has changed since
		agent   func(d dir)
		meet    func(d dir) // what the user does meanwhile
		want    func(d dir) // what is changed by bringing back
		changes Changes
		clash   []string // what is in conflict
	}{
		{
			name: "nothing", targets: "a", base: func(d dir) { d.write("a", "1") }, user: func(d dir) { d.write("a", "2"); d.write("b", "2") },
		},
		{
			name: "written, new, removed", targets: "src, b", base: func(d dir) { d.write("src/a", "1"); d.write("b", "1"); d.write("c", "1") },
			agent: func(d dir) {
				d.write("src/a", "2")
				d.write("src/deep/er/n", "n")
				d.remove("b")
				d.write("c", "2")
				d.write("d", "2")
			},
			want:    func(d dir) { d.write("src/a", "2"); d.write("src/deep/er/n", "n"); d.remove("b") },
			changes: Changes{Targets: []string{"b", "src/a", "src/deep/er/n"}, Outside: []string{"c (changed)", "d (new)"}},
		},
		{
			name: "uncommitted", targets: "src", base: func(d dir) { d.write("src/a", "1"); d.write("src/b", "1"); d.write("src/c", "1") },
			user: func(d dir) { d.write("src/a", "2"); d.remove("src/b"); d.write("src/n", "2"); d.chmod("src/c", 0o755) },
			agent: func(d dir) {
				if diff := cmp.Diff(tree{"src/a": "100644 2", "src/n": "100644 2", "src/c": "100755 1", ".gitignore": "100644 *.o\nout/\n"}, d.files()); diff != "" {
					d.tb.Errorf("the agent's checkout (-want +got):\n%s", diff)
				}
				d.write("src/a", "3")
			},
			want:    func(d dir) { d.write("src/a", "3") },
			changes: Changes{Targets: []string{"src/a"}},
		},
		{
			name: "back to what is committed", targets: "a", base: func(d dir) { d.write("a", "1") }, user: func(d dir) { d.write("a", "2") },
			agent: func(d dir) { d.write("a", "1") }, want: func(d dir) { d.write("a", "1") },
			changes: Changes{Targets: []string{"a"}},
		},
		{
			name: "a folder for a file, a file for a folder", targets: "src", base: func(d dir) { d.write("src/a", "1"); d.write("src/b/c/d", "1") },
			agent:   func(d dir) { d.write("src/a/in", "2"); d.write("src/b", "2") },
			want:    func(d dir) { d.write("src/a/in", "2"); d.write("src/b", "2") },
			changes: Changes{Targets: []string{"src/a", "src/a/in", "src/b", "src/b/c/d"}},
		},
		{
			name: "a file for a folder that is not empty", targets: `"src/*", "src/b/c"`, base: func(d dir) { d.write("src/b/c", "1") },
			user: func(d dir) { d.write("src/b/mine.o", "mine") }, agent: func(d dir) { d.write("src/b", "2") },
			want:    func(d dir) { d.remove("src/b/c"); d.write(".chant/store/aside/r1/src/b", "2") },
			changes: Changes{Targets: []string{"src/b", "src/b/c"}},
			clash:   []string{"src/b"},
		},
		{
			name: "an empty folder for a file", targets: "a", base: func(d dir) { d.write("a", "1") },
			agent: func(d dir) { d.clear("a/x") }, want: func(d dir) { d.remove("a") },
			changes: Changes{Targets: []string{"a"}},
		},
		{
			name: "the last file of a folder", targets: "src/a/b", base: func(d dir) { d.write("src/a/b", "1"); d.write("src/c", "1") },
			agent: func(d dir) { d.remove("src/a") }, want: func(d dir) { d.remove("src/a") },
			changes: Changes{Targets: []string{"src/a/b"}},
		},
		{
			name: "links", targets: "src", base: func(d dir) { d.write("src/a", "1"); d.link("src/l", "a"); d.link("src/m", "a") },
			agent: func(d dir) {
				d.link("src/a", "../../../out")
				d.link("src/l", "/etc/passwd")
				d.write("src/m", "2")
				d.link("src/n", "a")
			},
			want: func(d dir) {
				d.link("src/a", "../../../out")
				d.link("src/l", "/etc/passwd")
				d.write("src/m", "2")
				d.link("src/n", "a")
			},
			changes: Changes{Targets: []string{"src/a", "src/l", "src/m", "src/n"}},
		},
		{
			name: "a folder becomes a link", targets: "src/a", base: func(d dir) { d.write("src/a", "1"); d.write("other/a", "1") },
			agent: func(d dir) { d.link("src", "other") }, want: func(d dir) { d.remove("src") },
			changes: Changes{Targets: []string{"src/a"}, Outside: []string{"src (new)"}},
		},
		{
			name: "a folder becomes a link out", targets: `"src/**"`, base: func(d dir) { d.write("src/a", "1") },
			agent: func(d dir) { d.link("src", "/etc") }, want: func(d dir) { d.link("src", "/etc") },
			changes: Changes{Targets: []string{"src", "src/a"}},
		},
		{
			name: "modes", targets: "src", base: func(d dir) {
				d.write("src/run", "1")
				d.chmod("src/run", 0o755)
				d.write("src/plain", "1")
				d.write("src/private", "1")
			},
			user: func(d dir) { d.chmod("src/private", 0o600) },
			agent: func(d dir) {
				d.write("src/run", "2")
				d.chmod("src/plain", 0o777)
				d.chmod("src/private", 0o666)
				d.write("src/new", "2")
				d.chmod("src/new", 0o755)
			},
			want: func(d dir) {
				d.write("src/run", "2")
				d.chmod("src/run", 0o755)
				d.write("src/new", "2")
				d.chmod("src/new", 0o755)
			},
			changes: Changes{Targets: []string{"src/new", "src/run"}, Modes: []string{"src/plain", "src/run"}},
		},
		{
			name: "names", targets: "src", base: nothing,
			agent: func(d dir) {
				d.write("src/:(top)x", "1")
				d.write("src/a\nb", "1")
				d.write(":y", "1")
				d.write("-z", "1")
				d.write(":y.o", "1")
			},
			want:    func(d dir) { d.write("src/:(top)x", "1"); d.write("src/a\nb", "1") },
			changes: Changes{Targets: []string{"src/:(top)x", "src/a\nb"}, Outside: []string{"-z (new)", ":y (new)"}},
		},
		{
			name: "what git ignores", targets: "src, named.o", base: func(d dir) {
				d.write("src/a", "1")
				d.git("add", "-f", ".")
				d.write("kept.o", "1")
				d.git("add", "-f", "kept.o")
			},
			agent: func(d dir) {
				d.write("src/x.o", "2")
				d.write("named.o", "2")
				d.write("x.o", "2")
				d.write("out/deep/y", "2")
				d.write("kept.o", "2")
				d.write("z", "2")
				d.write(".gitignore", "*\n") // which counts, and is named
			},
			want:    func(d dir) { d.write("named.o", "2") },
			changes: Changes{Targets: []string{"named.o"}, Outside: []string{".gitignore (changed)", "kept.o (changed)"}},
		},
		{
			name: "what was linked, and git ignores", targets: `"**"`,
			base:    func(d dir) { d.write(".gitignore", "linked\n*.o\n") },
			user:    func(d dir) { d.write("linked/x", "1") },
			agent:   func(d dir) { d.write("linked/x", "2"); d.write("a", "2") },
			want:    func(d dir) { d.write("a", "2") },
			changes: Changes{Targets: []string{"a"}},
		},
		{
			name: "what git ignores, where the user has links", targets: "src", base: nothing, user: func(d dir) { d.link("l", "/"); d.write("f", "1") },
			agent: func(d dir) { d.write("l/x.o", "2"); d.write("f/x.o", "2"); d.write("x.o", "2") },
		},
		{
			name: "what no commit can hold", targets: "src", base: func(d dir) { d.write("src/a", "1") },
			agent: func(d dir) {
				d.remove("src/a")
				must(d.tb, syscall.Mkfifo(d.path("src/a"), 0o644))
				d.write("src/t/.GIT/config", "x")
				d.write("src/git~1", "x")
				d.write("src/c", "2")
			},
			want: func(d dir) { d.write("src/c", "2") },
			changes: Changes{Targets: []string{"src/c"}, Refused: []string{
				"src/a (not a regular file)",
				"src/git~1 (its name means git's own folder on some systems)",
				"src/t/.GIT/config (its name means git's own folder on some systems)",
			}},
		},
		{
			name: "git's own", targets: `"**"`, base: nothing,
			agent: func(d dir) {
				d.git("init", "-q", "sub")
				d.write("sub/f", "2")
				d.write(".git/hooks/x", "x")
				d.remove(".git/HEAD")
			},
			changes: Changes{Refused: []string{"sub (it is in a repository of its own)"}},
		},
		{
			name: "a folder becomes a repository", targets: "src", base: func(d dir) { d.write("src/a", "1"); d.write("src/deep/b", "1") },
			user: func(d dir) { d.write("src/deep/c", "mine") },
			agent: func(d dir) {
				d.write("src/deep/.git", "")
				d.write("src/deep/b", "2")
				d.write("src/deep/c", "2")
				d.write("src/a", "2")
			},
			want: func(d dir) { d.write("src/a", "2") },
			changes: Changes{Targets: []string{"src/a"}, Refused: []string{
				"src/deep/b (it is in a repository of its own)", "src/deep/c (it is in a repository of its own)",
			}},
		},
		{
			name: "chant's own", targets: `"**", ".chant/docs/*", ".chant/specs"`, base: func(d dir) { d.write(specPath, "# T\n"); d.write(".chant/specs/2.md", "# T\n") },
			agent: func(d dir) {
				d.write(".chant/config.md", "x")
				d.write(".chant/store/x", "x")
				d.write(".chant/docs/x", "x")
				d.write(specPath, "# U\n")
				d.write(".chant/specs/2.md", "# U\n")
				d.remove(".gitignore")
			},
			want: func(d dir) {
				d.write(".chant/docs/x", "x")
				d.write(".chant/specs/2.md", "# U\n")
				d.remove(".gitignore")
			},
			changes: Changes{
				Targets: []string{".chant/docs/x", ".chant/specs/2.md", ".gitignore"},
				Outside: []string{".chant/config.md (new)", specPath + " (changed)", ".chant/store/x (new)"},
			},
		},
		{
			name: "conflicts", targets: "src", base: func(d dir) {
				d.write("src/a", "1")
				d.write("src/b", "1")
				d.write("src/c", "1")
				d.write("src/d", "1")
			},
			agent: func(d dir) {
				d.write("src/a", "2")
				d.write("src/b", "2")
				d.remove("src/c")
				d.write("src/d", "2")
				d.write("src/n", "2")
			},
			meet: func(d dir) {
				d.write("src/a", "3")
				d.remove("src/b")
				d.write("src/c", "3")
				d.write("src/d", "2")
				d.write("src/n/x", "3")
			},
			want: func(d dir) {
				d.write(".chant/store/aside/r1/src/a", "2")
				d.write(".chant/store/aside/r1/src/b", "2")
				d.write(".chant/store/aside/r1/src/n", "2")
			},
			changes: Changes{Targets: []string{"src/a", "src/b", "src/c", "src/d", "src/n"}},
			clash:   []string{"src/a", "src/b", "src/c", "src/n"},
		},
		{
			name: "something of the user's in the way", targets: `"**/f"`, base: nothing,
			user: func(d dir) {
				d.write("file", "1")
				d.link("link", "/tmp")
				d.git("init", "-q", "repo")
				d.write("dir/f/x", "1")
			},
			agent: func(d dir) {
				d.write("file/f", "2")
				d.write("link/f", "2")
				d.write("repo/f", "2")
				d.write("dir/f", "2")
			},
			want: func(d dir) {
				for _, at := range []string{"file/f", "link/f", "repo/f", "dir/f"} {
					d.write(".chant/store/aside/r1/"+at, "2")
				}
			},
			changes: Changes{Targets: []string{"dir/f", "file/f", "link/f", "repo/f"}},
			clash:   []string{"dir/f", "file/f", "link/f", "repo/f"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			user := newRepo(t, tt.base)
			for _, step := range []*func(dir){&tt.user, &tt.agent, &tt.meet, &tt.want} {
				if *step == nil {
					*step = nothing
				}
			}
			tt.user(user)
			k := sitDown(t, user, tt.targets)
			index := user.git("ls-files", "-s")
			tt.agent(k.work)
			tt.meet(user)
			before := dir{t, t.TempDir()}
			must(t, exec.CommandContext(t.Context(), "cp", "-a", user.top+"/.", before.top).Run())
			changes, conflicts := k.bringBack()
			if diff := cmp.Diff(tt.changes, changes, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			tt.want(before)
			if diff := cmp.Diff(before.files(), user.files()); diff != "" {
				t.Errorf("the work tree (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.clash, conflicts.Conflicts); diff != "" {
				t.Errorf("conflicts (-want +got):\n%s", diff)
			}
			if now := user.git("ls-files", "-s"); now != index {
				t.Errorf("the index became\n%s", now)
			}
			if len(conflicts.Conflicts) == 0 && tt.name != "what git ignores" { // as it is, no commit would hold named.o
				k.checkStored()
			}
		})
	}
}
