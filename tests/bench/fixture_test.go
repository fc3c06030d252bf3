package bench

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// osCountsKB tells in what the system counts a process's memory.
const osCountsKB = runtime.GOOS == "linux"

const (
	commits = 500
	hot     = "d0/e0/f0.txt" // the path that is looked at; it changes every 25 commits
)

// fixture is a repository of some size, with its work tree.
type fixture struct {
	b     *testing.B
	files int
	dir   string
	repo  string
	env   []string
}

func newFixture(b *testing.B, files int) *fixture {
	b.Helper()
	dir := b.TempDir()
	f := &fixture{b: b, files: files, dir: dir, repo: filepath.Join(dir, "repo")}
	f.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + filepath.Join(dir, "none"),
	}
	check(b, os.Mkdir(f.repo, 0o755))
	f.git(nil, "init", "-q", "--template=", "-b", "main")
	for _, setting := range [][2]string{{"gc.auto", "0"}, {"maintenance.auto", "false"}, {"user.name", "A"}, {"user.email", "a@example.org"}} {
		f.git(nil, "config", setting[0], setting[1])
	}
	from, to := io.Pipe()
	go func() { to.CloseWithError(f.stream(to)) }()
	f.git(from, "fast-import", "--quiet")
	f.git(nil, "reset", "-q", "--hard")
	return f
}

func (f *fixture) git(stdin io.Reader, args ...string) {
	f.b.Helper()
	cmd := exec.CommandContext(f.b.Context(), "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = f.repo, f.env, stdin
	if out, err := cmd.CombinedOutput(); err != nil {
		f.b.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// stream writes the history for git fast-import: a first commit of all files,
// then commits of four files each.
func (f *fixture) stream(to io.Writer) error {
	w := bufio.NewWriter(to)
	random := rand.New(rand.NewPCG(1, uint64(f.files)))
	for c := range commits {
		fmt.Fprintf(w, "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 2\nm\n", 1700000000+60*c)
		if c == 0 {
			for i := range f.files {
				file(w, random, i)
			}
			continue
		}
		for range 4 {
			file(w, random, 1+random.IntN(f.files-1))
		}
		if c%25 == 0 {
			file(w, random, 0)
		}
	}
	return w.Flush()
}

// file writes a file of some kilobytes of words.
func file(w io.Writer, random *rand.Rand, i int) {
	words := []string{"alpha", "beta", "gamma", "func", "return", "if", "package", "import", "value", "error", "nil", "range"}
	var text []byte
	for range 5 + random.IntN(60) {
		for range 8 {
			text = append(append(text, words[random.IntN(len(words))]...), ' ')
		}
		text = fmt.Appendf(text, "%d\n", random.IntN(1e6))
	}
	fmt.Fprintf(w, "M 644 inline d%d/e%d/f%d.txt\ndata %d\n%s\n", i/400, i/20%20, i, len(text), text)
}
