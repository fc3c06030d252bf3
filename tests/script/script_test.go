// Package script tests the whole program as its users meet it: a built chant,
// real git, real files, real signals. Each story in testdata is a script (see
// the documentation of testscript); the commands that it may use beside the
// usual ones are in commands_test.go.
package script

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"chant/runner/sandbox"
)

// tools says where the program under test is; TestMain fills it in before any
// test runs, and nothing changes it afterwards.
var tools struct {
	bin     string // the folder that holds chant and scripted-agent
	gocache string // for the demo, which builds a Go project
}

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) (code int) {
	flag.Parse()                        // for testing.Short
	if signal.Ignored(syscall.SIGHUP) { // so that no child inherits that
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	dir, err := os.MkdirTemp("", "chant-script-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	tools.bin = dir
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "finding the build cache:", err)
		return 1
	}
	tools.gocache = strings.TrimSpace(string(cache))
	args := []string{"build", "-buildvcs=false", "-o", filepath.Join(dir, "chant")}
	// A race build takes ten times as long to start, and scripts start chant
	// hundreds of times.
	if raceEnabled && !testing.Short() {
		args = append(args, "-race")
	}
	if os.Getenv("GOCOVERDIR") != "" { // the scripts' coverage goes where the caller collects it
		args = append(args, "-cover", "-coverpkg=chant/...")
	}
	if out, err := exec.Command("go", append(args, "chant")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building chant: %v\n%s", err, out)
		return 1
	}
	agent := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "scripted-agent"), "chant/tests/agent")
	if out, err := agent.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the scripted agent: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// noteSource looks at every Go file, because go test takes a result from its cache unless it
// saw the test itself look at a file that has changed. What the test builds it does not see.
func noteSource(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".go" {
			_, err = os.Stat(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	noteSource(t)
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		Setup:              setup,
		Cmds:               commands(),
		Condition:          condition,
		RequireUniqueNames: true,
	})
}

// setup gives a script its own home and an empty "repo" to start in. Nothing of
// this machine's git configuration, and no variable that is not named here,
// reaches it.
func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	env.Cd = filepath.Join(env.WorkDir, "repo")
	for _, dir := range []string{home, env.Cd, filepath.Join(env.WorkDir, "out")} { // agents may write to out
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(gitconfig), 0o600); err != nil {
		return err
	}
	for _, kv := range isolated(home) {
		name, value, _ := strings.Cut(kv, "=")
		env.Setenv(name, value)
	}
	readme, err := filepath.Abs("../../README.md")
	if err != nil {
		return err
	}
	env.Setenv("README", readme)
	m := &memory{jobs: map[string]*job{}, shots: map[string]shot{}}
	env.Values[memoryKey{}] = m
	env.Defer(m.endJobs)
	// Every process that comes of this script carries the mark: see "gone".
	env.Setenv(markName, env.WorkDir)
	return nil
}

const gitconfig = `[user]
	name = Ada Author
	email = ada@example.org
[init]
	defaultBranch = main
`

// isolated gives the environment of a person with a fresh machine.
func isolated(home string) []string {
	return []string{
		"HOME=" + home,
		"PATH=" + tools.bin + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"GOCACHE=" + tools.gocache,
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"),
		"GOFLAGS=",
		"GOTOOLCHAIN=local",
		"GORACE=halt_on_error=1 atexit_sleep_ms=0", // by default a race build sleeps a second before it exits
		"GIT_CONFIG_GLOBAL=" + filepath.Join(home, ".gitconfig"),
		"GIT_CONFIG_NOSYSTEM=1",
		"LC_ALL=C.UTF-8", "TZ=UTC",
	}
}

// condition answers what a script may ask of the machine.
func condition(name string) (bool, error) {
	switch name {
	case "landlock":
		_, without := sandbox.Gaps()
		return !without, nil
	case "root":
		return os.Geteuid() == 0, nil
	case "mount": // a private mount namespace, for full and read-only disks
		dir, err := os.MkdirTemp("", "chant-mount-")
		if err != nil {
			return false, err
		}
		defer os.Remove(dir)
		try := exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=64k", "none", dir)
		return try.Run() == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}
