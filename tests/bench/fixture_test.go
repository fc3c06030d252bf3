package bench

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// edited is the path that is committed again and again.
const edited = "d0/e0/f0.txt"

// fixture makes repositories in a folder, by git fast-import.
type fixture struct {
	b   *testing.B
	dir string
	env []string // of all commands
}

// environment is that of this process, without the user's git configuration.
func environment(home string) []string {
	return append(os.Environ(),
		"HOME="+home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+filepath.Join(home, "none"),
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org")
}

func (f *fixture) check(err error) {
	f.b.Helper()
	if err != nil {
		f.b.Fatal(err)
	}
}

// run runs a command that has to exit 0.
func (f *fixture) run(dir string, args ...string) {
	f.b.Helper()
	if out, err := f.command(dir, args...).CombinedOutput(); err != nil {
		f.b.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// repo makes a repository with the history that fill writes, and its work tree.
func (f *fixture) repo(name string, fill func(*history)) string {
	f.b.Helper()
	repo := filepath.Join(f.dir, name)
	f.check(os.Mkdir(repo, 0o755))
	f.run(repo, "git", "init", "--quiet", "--template=", "-b", "main")
	f.run(repo, "git", "config", "gc.auto", "0")
	f.run(repo, "git", "config", "maintenance.auto", "false")

	cmd := f.command(repo, "git", "fast-import", "--quiet")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	f.check(err)
	answers, err := cmd.StdoutPipe()
	f.check(err)
	f.check(cmd.Start())
	h := &history{in: bufio.NewWriter(in), answers: bufio.NewReader(answers)}
	fill(h)
	f.check(h.in.Flush())
	f.check(in.Close())
	f.check(cmd.Wait())

	f.run(repo, "git", "reset", "--quiet", "--hard")
	// Git would read each file again that is not older than the index.
	later := time.Now().Add(time.Minute)
	f.check(os.Chtimes(filepath.Join(repo, ".git", "index"), later, later))
	return repo
}

// history writes the input of git fast-import. The first write error is returned by in.Flush.
type history struct {
	in      *bufio.Writer
	answers *bufio.Reader
	commits int
}

// commit begins a commit. It is one minute younger than the one before.
func (h *history) commit(message string) {
	h.commits++
	fmt.Fprintf(h.in, "commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\n", h.commits, h.time().Unix())
	h.data(message)
}

// time returns the time of the last commit.
func (h *history) time() time.Time { return time.Date(2026, 1, 1, 0, h.commits, 0, 0, time.UTC) }

// file adds a file to the last commit.
func (h *history) file(path, content string) {
	fmt.Fprintf(h.in, "M 644 inline %s\n", path)
	h.data(content)
}

func (h *history) data(text string) { fmt.Fprintf(h.in, "data %d\n%s\n", len(text), text) }

// id ends the last commit and returns its id. If that fails, git does not exit 0.
func (h *history) id() string {
	fmt.Fprintf(h.in, "get-mark :%d\n", h.commits)
	h.in.Flush()
	line, _ := h.answers.ReadString('\n')
	return strings.TrimSpace(line)
}

// fileRepo makes a repository of n files of some kilobytes.
func (f *fixture) fileRepo(n int) string {
	words := strings.Fields("alpha beta gamma func return if package import value error nil range")
	random := rand.New(rand.NewPCG(1, uint64(n)))
	return f.repo("files", func(h *history) {
		h.commit("files")
		for i := range n {
			var text strings.Builder
			for range 5 + random.IntN(60) {
				for range 8 {
					text.WriteString(words[random.IntN(len(words))] + " ")
				}
				fmt.Fprintln(&text, random.IntN(1e6))
			}
			h.file(fmt.Sprintf("d%d/e%d/f%d.txt", i/400, i/20%20, i), text.String())
		}
	})
}

// specRepo makes a project of n completed specs with the check "true". The history is that of
// chant run: for each spec a commit of the work and one of the completion.
func (f *fixture) specRepo(n int) string {
	id := func(i int) string { return fmt.Sprintf("%05d-change", i) }
	target := func(i int) string { return fmt.Sprintf("src/d%d/f%d.txt", i/100, i) }
	spec := func(h *history, i int, status, box string) {
		h.file(".chant/specs/"+id(i)+".md", fmt.Sprintf("---\ntype: task\n%s\ntarget_files:\n- %s\n---\n# Change %d\n\n"+
			"## Acceptance Criteria\n\n- [%s] It holds\n  ```sh check\n  true\n  ```\n", status, target(i), i, box))
	}
	return f.repo(fmt.Sprintf("specs%d", n), func(h *history) {
		h.commit("specs")
		h.file(".chant/config.md", "---\nproject:\n  name: bench\n---\n")
		h.file(".chant/.gitignore", "/store/\n")
		for i := range n {
			spec(h, i, "status: pending", " ")
		}
		for i := range n {
			trailers := fmt.Sprintf("Chant-Spec: %s\nChant-Criteria: 1/1\n", id(i))
			h.commit(fmt.Sprintf("chant(%s): Change %d\n\n%s", id(i), i, trailers))
			h.file(target(i), fmt.Sprintln(i))
			status := fmt.Sprintf("status: completed\ncompleted_at: %s\ncommits:\n- %s", h.time().Format(time.RFC3339), h.id())
			h.commit(fmt.Sprintf("chant(%s): complete\n\n%s", id(i), trailers))
			spec(h, i, status, "x")
		}
	})
}
