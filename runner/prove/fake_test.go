package prove

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chant/runner/check"
	"chant/runner/git"
	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
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
		if err != nil || strings.HasPrefix(path, project.StoreDir) {
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
	events []record.Event
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
	p.Prover = Prover{Git: p.repo, Version: "test", Settings: check.Settings{
		Root: root, Processes: processes, Now: fixedTime,
		Env:  []string{"PATH=" + os.Getenv("PATH"), "ROOT=" + root},
		Emit: func(e record.Event) { p.events = append(p.events, e) },
	}}
	return p
}

// prove makes the only proof.
func (p *prover) prove(t *testing.T, opts ProveOptions) record.Proof {
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
func table(p record.Proof) string {
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

func fixedTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func isUsage(err error) bool {
	_, ok := errors.AsType[*project.UsageError](err)
	return ok
}

func projectOf(t *testing.T, files map[string]string) *project.Project {
	t.Helper()
	p := &project.Project{Root: t.TempDir(), Problems: map[string]spec.Problems{}}
	var specs []*spec.Spec
	for path, text := range files {
		s, problems := spec.Parse(path, []byte(text))
		specs = append(specs, s)
		p.Problems[path] = problems
	}
	p.Set = spec.NewSet(specs)
	return p
}

// history is a repository in memory: commits c1, c2 … on one line, each with
// all its files. It answers only what completions asks.
type history struct {
	Repository
	commits []map[string]string     // path → content, oldest first
	shallow bool                    // what came before the oldest is missing
	merged  map[git.Hash][]git.Hash // the parents of merges; others have the one before them
	read    []string                // "commit path" of every file read
}

func (h *history) files(commit git.Hash) map[string]string {
	var n int
	if _, err := fmt.Sscanf(string(commit), "c%d", &n); err != nil {
		panic(err)
	}
	return h.commits[n-1]
}

// FirstParents dates each commit an hour after the one with the number before.
func (h *history) FirstParents(from git.Hash) iter.Seq2[git.Commit, error] {
	return func(yield func(git.Commit, error) bool) {
		for next := from; next != "c0"; {
			n, err := strconv.Atoi(string(next[1:]))
			if err != nil {
				panic(err)
			}
			c := git.Commit{Hash: next, Parents: h.merged[next], Time: hour(n)}
			if c.Parents == nil {
				c.Parents = []git.Hash{git.Hash(fmt.Sprintf("c%d", n-1))}
			}
			if !yield(c, nil) {
				return
			}
			next = c.Parents[0]
		}
		if h.shallow {
			yield(git.Commit{}, git.ErrShallow)
		}
	}
}

// Entry names a folder by all that it holds.
func (h *history) Entry(commit git.Hash, path string) (git.Hash, error) {
	var b strings.Builder
	files := h.files(commit)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(name, path+"/") {
			fmt.Fprintf(&b, "%s=%q;", name, files[name])
		}
	}
	return git.Hash(b.String()), nil
}

func (h *history) Files(commit git.Hash, under string) ([]string, error) {
	var list []string
	for name := range h.files(commit) {
		if strings.HasPrefix(name, under+"/") {
			list = append(list, name)
		}
	}
	return list, nil
}

func (h *history) ReadFile(commit git.Hash, path string) ([]byte, error) {
	h.read = append(h.read, string(commit)+" "+path)
	return []byte(h.files(commit)[path]), nil
}

func hour(n int) time.Time { return time.Date(2026, 1, 1, n, 0, 0, 0, time.UTC) }
