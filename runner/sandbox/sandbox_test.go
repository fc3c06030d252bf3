package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/process"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Argument { // as chant's own program does
		fmt.Fprintln(os.Stderr, Exec(os.Args[2:], os.Environ()))
		os.Exit(127)
	}
	os.Exit(m.Run())
}

// place is a user's machine: a HOME with some files, a project and a folder for a run.
type place struct {
	top  string
	opts Options
}

func newPlace(t *testing.T) place {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"home/.config/mine", "home/dir", "project", "run"} {
		must(t, os.MkdirAll(filepath.Join(top, dir), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(top, "home/file"), []byte("mine\n"), 0o644))
	self, err := os.Executable()
	must(t, err)
	return place{top, Options{
		Self: self, Env: append(os.Environ(), "HOME="+top+"/home"), Project: top + "/project",
		Folder: top + "/run", Caches: top + "/caches/x", Write: []string{top + "/home/.config/agent"},
	}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p place) open(t *testing.T) *Sandbox {
	t.Helper()
	processes, err := process.New(time.Now)
	must(t, err)
	s, err := Open(processes, p.opts)
	must(t, err)
	return s
}

// run runs a script in the sandbox and returns what it printed.
func (p place) run(t *testing.T, s *Sandbox, script string) string {
	t.Helper()
	var out bytes.Buffer
	env := s.Environ(append(os.Environ(), "TOP="+p.top))
	res := s.Run(t.Context(), process.Command{Argv: []string{"sh", "-c", script}, Dir: p.opts.Folder, Env: env, Output: &out})
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	return out.String()
}

func TestRun(t *testing.T) {
	t.Parallel()
	if _, without := Gaps(); without {
		t.Skip("this system has no Landlock")
	}
	p := newPlace(t)
	s := p.open(t)
	for _, tt := range []struct {
		name, script string
		can          bool
	}{
		{"its folder", `echo x >$TOP/run/x`, true},
		{"a temporary file", `mktemp`, true},
		{"a cache", `mkdir -p "$GOCACHE" && echo x >"$GOCACHE/x"`, true},
		{"its settings", `echo x >$TOP/home/.config/agent/x`, true},
		{"its settings by HOME", `echo y >~/.config/agent/y && grep y $TOP/home/.config/agent/y`, true},
		{"a new file in HOME", `echo x >~/.new && mv ~/.new ~/.newer && test ! -e $TOP/home/.newer`, true},
		{"a move between folders", `mkdir -p a b && echo >a/x && mv a/x b/x && ln b/x a/x`, true},
		{"a file of HOME read", `grep mine ~/file`, true},
		{"a link in a link", `test -d ~/.config/mine`, true},
		{"nothing", `echo x >/dev/null`, true},
		{"a file of HOME", `echo x >~/file`, false},
		{"a file appended to", `echo x >>$TOP/home/file`, false},
		{"a file cut short", `truncate -s 0 $TOP/home/file`, false},
		{"a file removed", `rm -f $TOP/home/file`, false},
		{"a folder renamed", `mv $TOP/home/dir $TOP/home/other`, false},
		{"a hard link", `ln $TOP/home/file hard && echo x >hard`, false},
		{"a file moved out", `echo >out && mv out $TOP/project/out`, false},
		{"the project", `echo x >$TOP/project/x`, false},
		{"a folder of the project", `mkdir $TOP/project/d`, false},
		{"a link into the project", `ln -s $TOP/project link && echo x >link/x`, false},
		{"by /proc", `echo x >/proc/self/root$TOP/project/x`, false},
		{"a namespace of its own", `unshare -rm sh -c 'mount --bind . $TOP/project && echo x >$TOP/project/x'`, false},
		{"an orphan", `setsid --fork env -i sh -c 'sleep 0; echo x >'$TOP'/project/x; echo >'$TOP'/run/ended'; while [ ! -e ended ]; do :; done; test -e $TOP/project/x`, false},
		{"a signal", fmt.Sprintf("kill -0 %d", os.Getpid()), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "a signal" && version() < abiSignals {
				t.Skip("this kernel lets signals through")
			}
			got := p.run(t, s, "if ("+tt.script+") >/dev/null 2>&1; then echo can; else echo cannot; fi")
			if want := map[bool]string{true: "can\n", false: "cannot\n"}[tt.can]; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// A program that is not there fails as it does without a sandbox.
func TestRunMissing(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	res := p.open(t).Run(t.Context(), process.Command{Argv: []string{"no-such-program"}, Dir: "/", Env: []string{"PATH=/bin"}})
	if !res.Started.IsZero() || res.Err == nil || !strings.HasPrefix(res.Err.Error(), "starting no-such-program: ") {
		t.Errorf("result %+v", res)
	}
}

func TestOpenProject(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	must(t, os.Symlink(p.top, p.top+"/home/link"))
	for _, dir := range []string{"/", p.top, p.top + "/project", p.top + "/home/link"} {
		opts := p.opts
		opts.Write = []string{dir}
		if _, err := Open(nil, opts); !errors.Is(err, ErrProject) {
			t.Errorf("%s: %v", dir, err)
		}
		must(t, os.RemoveAll(p.opts.Folder+"/home"))
	}
}

func TestReaches(t *testing.T) {
	t.Parallel()
	const root = "20 1 8:1 / / rw - ext4 /dev/a rw\n"
	for _, tt := range []struct {
		name, mounts, folder string
		want                 bool
	}{
		{"itself", root, "/home/me/project", true},
		{"what it is in", root, "/home/me", true},
		{"a folder of it", root, "/home/me/project/src", true},
		{"another folder", root, "/home/me/project-2", false},
		{"no mounts known", "", "/home/me/project-2", false},
		{"no mounts known, what it is in", "", "/home", true},
		{"a bind mount of it", root + "30 20 8:1 /home/me/project /open/deep rw - ext4 /dev/a rw\n", "/open", true},
		{"a bind mount of a part", root + "30 20 8:1 /home/me/project/src /open/deep rw - ext4 /dev/a rw\n", "/open", true},
		{"a bind mount of what it is in", root + "30 20 8:1 /home /open rw - ext4 /dev/a rw\n", "/open/me", true},
		{"a bind mount beside it", root + "30 20 8:1 /home/me/other /open rw - ext4 /dev/a rw\n", "/open", false},
		{"another disk", root + "30 20 8:2 /home/me/project /open/deep rw - ext4 /dev/b rw\n", "/open", false},
		{"a project on its own disk", root + "30 20 8:2 / /home/me/project rw - ext4 /dev/b rw\n31 20 8:2 / /open\\040it/x rw - ext4 /dev/b rw\n", "/open it", true},
		{"a disk that hides another", root + "30 20 8:2 / /home rw - ext4 /dev/b rw\n31 20 8:1 /home /open rw - ext4 /dev/a rw\n", "/open", false},
		{"what is mounted over it", root + "30 20 8:2 / /open rw - ext4 /dev/b rw\n31 20 8:1 /home /open rw - ext4 /dev/a rw\n", "/open", true},
	} {
		if got := reaches(tt.mounts, tt.folder, "/home/me/project"); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

func TestGaps(t *testing.T) {
	t.Parallel()
	for abi, want := range map[int]string{0: "no Landlock", 1: "no Landlock", 2: "(ABI 2 of 6) does not stop signals", 5: "(ABI 5 of 6)", 6: "", 9: ""} {
		text, without := gaps(abi)
		if !strings.Contains(text, want) || (want == "") != (text == "") || without != (abi < 2) {
			t.Errorf("ABI %d: %q, %t", abi, text, without)
		}
	}
}

func TestEnviron(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.opts.Env = append(p.opts.Env, "GOPATH=/go:/other", "GOMODCACHE=", "GOPROXY=off")
	got := p.open(t).Environ([]string{"A=1", "HOME=/h", "DOCKER_HOST=x", "SSH_AUTH_SOCK=x", "TMUX=x", "TMUX_TMPDIR=t"})
	want := []string{
		"A=1", "HOME=/h", "TMUX_TMPDIR=t", "XDG_CACHE_HOME=C", "CARGO_HOME=C/cargo", "GOCACHE=C/go-build", "GOMODCACHE=C/go-mod",
		"PIP_CACHE_DIR=C/pip", "npm_config_cache=C/npm", "GOPROXY=file:///go/pkg/mod/cache/download,off",
		"HOME=" + p.top + "/run/home", "TMPDIR=" + p.top + "/run/tmp",
	}
	for i, entry := range got {
		got[i] = strings.ReplaceAll(entry, p.opts.Caches, "C")
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.opts.Off = true
	if env := []string{"DOCKER_HOST=x"}; !slices.Equal(env, p.open(t).Environ(env)) {
		t.Error("without a sandbox the environment changes")
	}
}

func TestExecUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--"}, {"/", "--", "/bin/sh"}, {"/bin/sh", "sh"}} {
		if err := Exec(args, nil); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
