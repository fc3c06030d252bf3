package runner

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chant/runner/git"
	"chant/runner/process"
)

// memory is a repository in memory, with the work tree of its last commit. A
// content "->X" is a symlink to X, one that begins with "#!" is executable.
type memory struct {
	history
	root string
}

func (m *memory) Resolve(_ context.Context, rev string) (git.Hash, error) {
	if rev == "HEAD" {
		return git.Hash(fmt.Sprintf("c%d", len(m.commits))), nil
	}
	return git.Hash(rev), nil
}

func (m *memory) List(commit git.Hash) ([]git.File, error) {
	var files []git.File
	for path, content := range m.files(commit) {
		f := git.File{Path: path, Mode: modeFile, Hash: blobID("", []byte(content))}
		switch {
		case strings.HasPrefix(content, "->"):
			f.Mode = modeSymlink
		case strings.HasPrefix(content, "#!"):
			f.Mode = modeExecutable
		}
		files = append(files, f)
	}
	return files, nil
}

func (m *memory) ReadFile(commit git.Hash, path string) ([]byte, error) {
	content, ok := m.files(commit)[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(strings.TrimPrefix(content, "->")), nil
}

func (m *memory) Export(_ context.Context, commit git.Hash, dir string) error {
	return unpack(dir, m.files(commit))
}

// Status compares the work tree with the last commit.
func (m *memory) Status(context.Context) ([]git.Change, error) {
	committed := m.commits[len(m.commits)-1]
	found := map[string]bool{}
	var changes []git.Change
	err := filepath.WalkDir(m.root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		path, err := filepath.Rel(m.root, at)
		if err != nil || strings.HasPrefix(path, StoreDir) {
			return err
		}
		found[path] = true
		var now string
		if d.Type() == fs.ModeSymlink {
			now, err = os.Readlink(at)
			now = "->" + now
		} else {
			var data []byte
			data, err = os.ReadFile(at)
			now = string(data)
		}
		if content, ok := committed[path]; !ok || content != now {
			changes = append(changes, git.Change{Path: path, Unstaged: true})
		}
		return err
	})
	for path := range committed {
		if !found[path] {
			changes = append(changes, git.Change{Path: path, Unstaged: true})
		}
	}
	return changes, err
}

func unpack(dir string, files map[string]string) error {
	for path, content := range files {
		at := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		var err error
		switch target, link := strings.CutPrefix(content, "->"); {
		case link:
			err = os.Symlink(target, at)
		case strings.HasPrefix(content, "#!"):
			err = os.WriteFile(at, []byte(content), 0o755)
		default:
			err = os.WriteFile(at, []byte(content), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// prover is an engine over a repository in memory.
type prover struct {
	Prover
	repo   *memory
	events []Event
}

// newProver lays the last of the commits into a work tree.
func newProver(t *testing.T, commits ...map[string]string) *prover {
	t.Helper()
	processes, err := process.New(fixedTime)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := unpack(root, commits[len(commits)-1]); err != nil {
		t.Fatal(err)
	}
	p := &prover{repo: &memory{history: history{commits: commits}, root: root}}
	p.Prover = Prover{Git: p.repo, Version: "test", Settings: Settings{
		Root: root, Processes: processes, Now: fixedTime,
		Env:  []string{"PATH=" + os.Getenv("PATH"), "ROOT=" + root},
		Emit: func(e Event) { p.events = append(p.events, e) },
	}}
	return p
}

// prove makes the only proof.
func (p *prover) prove(t *testing.T, opts ProveOptions) Proof {
	t.Helper()
	proofs, err := p.Prove(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(proofs) != 1 {
		t.Fatalf("got %d proofs, want 1", len(proofs))
	}
	return proofs[0]
}

// with gives files with some of them changed; an empty content removes one.
func with(files map[string]string, changes ...string) map[string]string {
	out := maps.Clone(files)
	for i := 0; i < len(changes); i += 2 {
		if out[changes[i]] = changes[i+1]; changes[i+1] == "" {
			delete(out, changes[i])
		}
	}
	return out
}

// table gives the cells as "red 5 held" and so on, outcomes in order.
func table(p Proof) string {
	var b strings.Builder
	for _, c := range p.Cells {
		mark := "-"
		if c.Held {
			mark = "+"
		}
		fmt.Fprintf(&b, "%s%s", mark, c.Name)
		var counts []string
		for outcome, n := range c.ByOutcome {
			counts = append(counts, fmt.Sprintf(" %d %s", n, outcome))
		}
		slices.Sort(counts)
		b.WriteString(strings.Join(counts, "") + "\n")
	}
	return b.String()
}
