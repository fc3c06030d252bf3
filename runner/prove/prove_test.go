package prove

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/storage"
)

// The bug: value.txt says wrong. The test is t/test.sh, which prints the reason.
const (
	testScript = "if ! grep -q right value.txt; then echo value is wrong; exit 1; fi\n"
	specRed    = "---\nstatus: completed\ntarget_files: t/**\n---\n# R\n\n## Acceptance Criteria\n\n- [x] Fails\n  ```sh check expect=fail match=\"value is wrong\"\n  sh t/test.sh\n  ```\n"
	specOpen   = "---\nphase: fix\ndepends_on: 002\ntarget_files: [value.txt, src/**, Makefile, t/**]\n---\n# F\n"
)

var specFix = strings.Replace(specOpen, "phase", "status: completed\nphase", 1)

// story is the history of a fix: the bug, its reproduction, and the fix, which
// changes more or other files where changes say so.
func story(changes ...string) []map[string]string {
	bug := map[string]string{"value.txt": "wrong\n", "README": "x\n"}
	red := with(bug, "t/test.sh", testScript, ".chant/specs/002.md", specRed, ".chant/specs/005.md", specOpen)
	green := with(red, append([]string{"value.txt", "right\n", ".chant/specs/005.md", specFix}, changes...)...)
	return []map[string]string{bug, red, green}
}

// atBase changes files from the reproduction on; what the fix changes stays as
// it has it.
func atBase(commits []map[string]string, changes ...string) []map[string]string {
	bug, red, green := commits[0], commits[1], commits[2]
	changed := with(red, changes...)
	after := with(changed)
	for path, content := range green {
		if red[path] != content {
			after[path] = content
		}
	}
	return []map[string]string{bug, changed, after}
}

func TestProveVerdicts(t *testing.T) {
	t.Parallel()
	const red = "+red 5 held\n"
	other := "---\nstatus: completed\n---\n# O\n\n## Acceptance Criteria\n\n- [x] Readable\n  ```sh check\n  grep x README\n  ```\n- [x] Never\n  ```sh check\n  false\n  ```\n"
	clean := "---\nstatus: completed\n---\n# C\n\n## Acceptance Criteria\n\n- [x] Clean\n  ```sh check\n  test ! -e left\n  ```\n"
	built := "---\nstatus: completed\n---\n# B\n\n## Acceptance Criteria\n\n- [x] Builds\n  ```sh check\n  test -e built || sh src/build.sh\n  ```\n- [x] Is there\n  ```sh check\n  test -e built\n  ```\n"
	for _, tt := range []struct {
		name    string
		commits []map[string]string
		opts    ProveOptions
		verdict record.ProofVerdict
		table   string
		reason  string // a part of it
	}{
		{"proven", story(), ProveOptions{}, record.Proven, red + "+green 5 held\n+causal 5 held\n+intact\n+kept\n", "red at base in 5 of 5 runs, green at head in all of 5"},
		{"with other changes", story("README", "y\n"), ProveOptions{}, record.Proven, red + "+green 5 held\n+causal 1 held\n+intact\n+kept\n", ""},
		{"side by side", story("README", "y\n"), ProveOptions{Jobs: 3}, record.Proven, red + "+green 5 held\n+causal 1 held\n+intact\n+kept\n", ""},
		{"test changed, for the better", story("t/test.sh", testScript+"echo ok\n"), ProveOptions{}, record.Proven, red + "+green 5 held\n+causal 5 held\n+intact 5 held\n+kept\n", ""},
		{"test changed, and broken", story("t/test.sh", "exit 1\n"), ProveOptions{}, record.NotFixed, red + "+green 5 held\n+causal 5 held\n-intact 1 wrong_reason\n-kept\n", "the changed one does not: exit 1"},
		{"test deleted", story("t/test.sh", ""), ProveOptions{}, record.NotFixed, red + "+green 5 held\n+causal 5 held\n-intact 1 wrong_reason\n-kept\n", "the changed one does not"},
		{"tests replaced by a symlink", story("t/test.sh", "", "t", "->src", "src/test.sh", "true\n"), ProveOptions{}, record.Proven, red + "+green 5 held\n+causal 5 held\n+intact 5 held\n+kept\n", ""},
		{"weakened", story("value.txt", "wrong still\n", "t/test.sh", "echo ok\n"), ProveOptions{}, record.Weakened, "+red 5 held\n-green 1 not_held\n+causal 5 held\n+intact 5 held\n-kept\n", "the original test does not pass"},
		{"not fixed", story("value.txt", "wrong still\n"), ProveOptions{}, record.NotFixed, "+red 1 held\n-green 1 not_held\n+causal 1 held\n+intact\n-kept\n", "fails for the stated reason"},
		{"not reproduced", atBase(story("README", "y\n"), "value.txt", "right then\n"), ProveOptions{}, record.NotReproduced, "-red 5 not_held\n-green 4 held\n-causal 4 not_held\n+intact\n-kept\n", "passed in all of 5 runs at base"},
		{"wrong reason", atBase(story(), "t/test.sh", "grep -q right value.txt\n"), ProveOptions{}, record.WrongCause, "-red 5 wrong_reason\n-green 4 held\n-causal 5 wrong_reason\n+intact\n-kept\n", `does not match "value is wrong"`},
		{"base not built", atBase(story(), "t/test.sh", "compiler-that-is-not-there 2>/dev/null\n"), ProveOptions{}, record.WrongCause, "-red 3 not_started\n-green 2 not_started\n-causal 3 not_started\n+intact\n-kept\n", "could not be started"},
		{"not the cause", story("README", "y\n", ".chant/specs/005.md", strings.Replace(specFix, "[value.txt, ", "[", 1), "src/x", "1"), ProveOptions{}, record.NotTheCause, red + "+green 5 held\n-causal 5 not_held\n+intact\n-kept\n", "without the fix the test passed too"},
		{"regressed", atBase(story("README", "gone\n"), ".chant/specs/001.md", other), ProveOptions{}, record.Regressed, red + "+green 5 held\n+causal 1 held\n+intact\n-kept 2 not_held\n", "001 criterion 1 held at base: exit 1"},
		{"never held", atBase(story(), ".chant/specs/001.md", other), ProveOptions{}, record.Proven, red + "+green 5 held\n+causal 5 held\n+intact\n+kept 1 held 1 not_held\n", ""},
		{"the test leaves what must not be", atBase(story(), "t/test.sh", testScript+"touch left\n", ".chant/specs/001.md", clean), ProveOptions{}, record.Proven, red + "+green 5 held\n+causal 5 held\n+intact\n+kept 1 held\n", ""},
		{"the test leaves what is not built any more", atBase(story("src/build.sh", "true\n"), "src/build.sh", "touch built\n", "t/test.sh", "touch built\n"+testScript, ".chant/specs/001.md", built), ProveOptions{}, record.Regressed, red + "+green 5 held\n+causal 5 held\n+intact\n-kept 1 held 1 not_held\n", "001 criterion 2 held at base: exit 1"},
		{"suite broken", atBase(story("README", "gone\n"), ".chant/config.md", "---\nsuite: grep x README\n---\n"), ProveOptions{}, record.Regressed, red + "+green 5 held\n+causal 1 held\n+intact\n-kept 1 not_held\n", "suite grep x README held at base: exit 1"},
		{"inconclusive", story("README", "y\n"), ProveOptions{MaxRuns: 3}, record.Inconclusive, "+red 3 held\n-green 3 held\n+causal 1 held\n+intact\n+kept\n", "4 more green runs are needed"},
		{"nothing but the test", story("value.txt", "wrong\n", "t/test.sh", "true\n"), ProveOptions{}, record.NotProvable, "-red\n-green\n-causal\n-intact\n-kept\n", "no file but the test's"},
		{"head is base", story()[:2], ProveOptions{Fix: "005", Reproduction: "002"}, record.NotProvable, "-red\n-green\n-causal\n+intact\n-kept\n", "there is no fix between them"},
		{"harness", story("Makefile", "all:\n"), ProveOptions{}, record.NotProvable, "-red\n-green\n-causal\n+intact\n-kept\n", "Makefile"},
		{"harness, allowed", story("Makefile", "all:\n"), ProveOptions{AllowHarness: true}, record.Proven, red + "+green 5 held\n+causal 5 held\n+intact\n+kept\n", ""},
		{"changes its test", atBase(story(), "t/test.sh", "echo >> t/test.sh\n"+testScript), ProveOptions{}, record.NotProvable, "-red 3 invalid_run\n-green 2 invalid_run\n-causal 3 invalid_run\n+intact\n-kept\n", "the run changed the test file t/test.sh"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := newProver(t, tt.commits...).prove(t, tt.opts)
			if got.Verdict != tt.verdict || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("got %s (%s), want %s (…%s…)", got.Verdict, got.Reason, tt.verdict, tt.reason)
			}
			if diff := cmp.Diff(tt.table, table(got)); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}

// A test that fails in three of ten runs, by a counter outside of the trees.
func TestProveFlaky(t *testing.T) {
	t.Parallel()
	commits := atBase(story(), "t/test.sh", `
if grep -q right value.txt; then exit 0; fi
n=$(cat "$ROOT.runs" 2>/dev/null || echo 0); echo $((n + 1)) > "$ROOT.runs"
case $((n % 10)) in 2|5|9) echo value is wrong; exit 1;; esac
`, ".chant/specs/002.md", strings.Replace(specRed, "match=", "repeat=10 atleast=1 match=", 1))
	p := newProver(t, commits...)
	few := p.prove(t, ProveOptions{MaxRuns: 20})
	if few.Verdict != record.Inconclusive || few.Needed != 2 {
		t.Errorf("got %s with %d needed (%s), want it inconclusive with 2 needed", few.Verdict, few.Needed, few.Reason)
	}
	if err := os.Remove(p.Settings.Root + ".runs"); err != nil {
		t.Fatal(err)
	}
	got := p.prove(t, ProveOptions{MaxRuns: 22})
	want := "+red 11 not_held 5 held\n+green 22 held\n+causal 11 not_held 5 held\n+intact\n+kept\n"
	if diff := cmp.Diff(want, table(got)); diff != "" || got.Verdict != record.Proven {
		t.Errorf("%s: %s (-want +got):\n%s", got.Verdict, got.Reason, diff)
	}
	if got.PValue > 0.01 || got.PValue < 0.005 || got.Bounds.RedLow < 0.1 || got.Bounds.RedHigh > 0.6 || got.Bounds.GreenHigh > 0.13 {
		t.Errorf("p %g, bounds %+v", got.PValue, got.Bounds)
	}
	if got.Cells[2].SharedWith != record.CellRed || got.Cells[2].Tree != got.Cells[0].Tree {
		t.Errorf("red and causal are one tree, and the proof does not say so: %+v", got.Cells[2])
	}
}

// A rare bug that is still there hides from a few runs of a test that was not
// weakened: as many are needed as in green.
func TestProveFlakyRewritten(t *testing.T) {
	t.Parallel()
	rare := `
n=$(cat "$ROOT.runs" 2>/dev/null || echo 0); echo $((n + 1)) > "$ROOT.runs"
case $((n % 20)) in 2|5|17) echo value is wrong; exit 1;; esac
`
	spec := strings.Replace(specRed, "match=", "repeat=20 atleast=1 match=", 1)
	for _, tt := range []struct {
		name, test string // as head has it
		maxRuns    int
		verdict    record.ProofVerdict
		intact     string
	}{
		{"a comment", "# a comment" + rare, 200, record.NotFixed, "-intact 1 not_held 4 held\n"},
		{"weakened", "exit 0\n", 200, record.Weakened, "+intact 50 held\n"},
		{"too few runs to tell", "exit 0\n", 40, record.NotFixed, "+intact 40 held\n"},
	} {
		commits := atBase(story("value.txt", "wrong still\n", "t/test.sh", tt.test), "t/test.sh", rare, ".chant/specs/002.md", spec)
		got := newProver(t, commits...).prove(t, ProveOptions{MaxRuns: tt.maxRuns})
		want := "+red 30 not_held 5 held\n-green 1 not_held 2 held\n+causal 30 not_held 5 held\n" + tt.intact + "-kept\n"
		if diff := cmp.Diff(want, table(got)); diff != "" || got.Verdict != tt.verdict {
			t.Errorf("%s: %s: %s (-want +got):\n%s", tt.name, got.Verdict, got.Reason, diff)
		}
	}
}

func TestProveSeveralChecks(t *testing.T) {
	t.Parallel()
	two := specRed + "- [x] Fails too\n  ```sh check expect=fail match=odd\n  if ! grep -q even README; then echo odd; exit 1; fi\n  ```\n- [x] Is there\n  ```sh check\n  test -e README\n  ```\n"
	commits := atBase(story("README", "even\n", ".chant/specs/005.md", strings.Replace(specFix, "[value.txt", "[README, value.txt", 1)), ".chant/specs/002.md", two)
	got := newProver(t, commits...).prove(t, ProveOptions{})
	cell := "+red 5 held\n+green 5 held\n+causal 5 held\n"
	if diff := cmp.Diff(cell+cell+"+intact\n+kept\n", table(got)); diff != "" || got.Verdict != record.Proven || len(got.Checks) != 2 {
		t.Errorf("%s, %d checks (-want +got):\n%s", got.Verdict, len(got.Checks), diff)
	}
	commits[2] = with(commits[2], "README", "x\n")
	got = newProver(t, commits...).prove(t, ProveOptions{})
	if got.Verdict != record.NotFixed || got.PValue != 1 {
		t.Errorf("one of two fixed: got %s (%s), p %g", got.Verdict, got.Reason, got.PValue)
	}
	commits[2] = with(commits[2], "README", "even\n", "value.txt", "wrong still\n")
	got = newProver(t, commits...).prove(t, ProveOptions{})
	if got.Verdict != record.NotFixed || len(got.Cells) != 8 || got.Cells[3].Runs != 0 {
		t.Errorf("the first settles it: got %s with cells\n%s", got.Verdict, table(got))
	}
}

// The worktree is proved as it is: changed, new and deleted files, and a fix
// that is not completed.
func TestProveWorktree(t *testing.T) {
	t.Parallel()
	p := newProver(t, story()[:2]...)
	if err := os.WriteFile(filepath.Join(p.Settings.Root, "value.txt"), []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.Settings.Root, "README")); err != nil {
		t.Fatal(err)
	}
	if err := unpack(p.Settings.Root, map[string]string{"src/new": "#!new\n", "link": "->src"}); err != nil {
		t.Fatal(err)
	}
	got := p.prove(t, ProveOptions{Worktree: true})
	if got.Verdict != record.Proven || !got.Head.Worktree || got.Head.Commit != got.Base.Commit || got.Head.Tree == got.Base.Tree {
		t.Errorf("got %s (%s), head %+v", got.Verdict, got.Reason, got.Head)
	}
	want := []record.ProofPath{{Path: "README", Class: record.ClassOther}, {Path: "link", Class: record.ClassOther}, {Path: "src/new", Class: record.ClassFix}, {Path: "value.txt", Class: record.ClassFix}}
	if diff := cmp.Diff(want, got.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if _, err := p.Prove(t.Context(), ProveOptions{}); !errors.Is(err, ErrNothingToProve) {
		t.Errorf("the commit alone: got error %v", err)
	}
}

func TestProveErrors(t *testing.T) {
	t.Parallel()
	nothing := func(err error) bool { return errors.Is(err, ErrNothingToProve) }
	shallow := func(err error) bool { return errors.Is(err, git.ErrShallow) }
	late := story()
	late[1] = with(late[1], "t/test.sh", "")
	later := atBase(story(), ".chant/specs/002.md", strings.Replace(specRed, "expect=fail match", "match", 1))
	later[2] = with(later[2], ".chant/specs/002.md", specRed)
	for _, tt := range []struct {
		name    string
		commits []map[string]string
		opts    ProveOptions
		fails   func(error) bool
	}{
		{"the test came later", late, ProveOptions{}, isUsage},
		{"the check came later", later, ProveOptions{}, isUsage},
		{"a shallow clone", story()[1:], ProveOptions{}, shallow},
		{"no reproduction", story()[:1], ProveOptions{}, nothing},
		{"a revision before it", story(), ProveOptions{At: "c1"}, nothing},
		{"two heads", story(), ProveOptions{At: "c3", Worktree: true}, isUsage},
		{"no number", story(), ProveOptions{Runs: -1}, isUsage},
		{"no chance", story(), ProveOptions{Alpha: 1}, isUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProver(t, tt.commits...)
			p.repo.shallow = true
			if _, err := p.Prove(t.Context(), tt.opts); err == nil || !tt.fails(err) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

// A proof that is asked for by its own check would never end.
func TestProveItself(t *testing.T) {
	t.Parallel()
	commits := atBase(story(), ".chant/specs/002.md", strings.Replace(specRed, "  sh t", "  echo \"$CHANT_PROVING\" > \"$ROOT.proving\"\n  sh t", 1))
	p := newProver(t, commits...)
	p.prove(t, ProveOptions{})
	seen, err := os.ReadFile(p.Settings.Root + ".proving")
	if err != nil {
		t.Fatal(err)
	}
	p.Settings.Env = append(p.Settings.Env, "CHANT_PROVING="+strings.TrimSpace(string(seen)))
	if _, err := p.Prove(t.Context(), ProveOptions{}); !errors.Is(err, ErrProving) {
		t.Errorf("got error %v, want ErrProving", err)
	}
}

// What a run leaves in its tree is in no other; what it does to the fix's files
// is undone; what it does to the work tree is told.
func TestProveContainsChecks(t *testing.T) {
	t.Parallel()
	script := `
test ! -e README || touch "$ROOT/seen"
if grep -q right value.txt; then echo wrong > value.txt; else echo right > value.txt; echo value is wrong; exit 1; fi
`
	p := newProver(t, atBase(story(), "t/test.sh", script)...)
	got := p.prove(t, ProveOptions{})
	if got.Verdict != record.Proven {
		t.Errorf("got %s: %s", got.Verdict, got.Reason)
	}
	if diff := cmp.Diff([]string{"changed in the work tree while the proof was made: seen"}, got.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if data, err := os.ReadFile(filepath.Join(p.Settings.Root, "value.txt")); err != nil || string(data) != "right\n" {
		t.Errorf("the user's own file is %q, error %v", data, err)
	}
}

func TestProveFurnishesTrees(t *testing.T) {
	t.Parallel()
	config := "---\nworktree: {link: [deps/lib, absent], setup: 'echo ready > state'}\n---\n"
	commits := atBase(story(), ".chant/config.md", config, "t/test.sh", "test \"$(cat state)\" = ready\ntest -e deps/lib/x\n"+testScript)
	p := newProver(t, commits...)
	if err := unpack(p.Settings.Root, map[string]string{"deps/lib/x": "1"}); err != nil {
		t.Fatal(err)
	}
	if got := p.prove(t, ProveOptions{}); got.Verdict != record.Proven {
		t.Errorf("got %s: %s", got.Verdict, got.Reason)
	}
	p = newProver(t, atBase(story(), ".chant/config.md", "---\nworktree: {setup: 'echo no way; exit 3'}\n---\n")...)
	if _, err := p.Prove(t.Context(), ProveOptions{}); err == nil || !strings.Contains(err.Error(), "no way") {
		t.Errorf("a setup that fails: got error %v", err)
	}
}

func TestProveTellsProgress(t *testing.T) {
	t.Parallel()
	p := newProver(t, story("README", "y\n")...)
	p.prove(t, ProveOptions{Keep: true})
	var first, last record.ProofProgress
	var kept string
	for i, e := range p.events {
		switch e := e.(type) {
		case record.ProofProgress:
			if last = e; i == 0 {
				first = e
			}
		case record.Notice:
			_, kept, _ = strings.Cut(e.Text, "kept in ")
		}
	}
	want := []record.ProofProgress{
		{Reproduction: "002", Fix: "005", Cell: record.CellRed, Planned: 5, Left: 15},
		{Reproduction: "002", Fix: "005", Cell: record.CellGreen, Done: 5, Planned: 5},
	}
	if diff := cmp.Diff(want, []record.ProofProgress{first, last}); diff != "" {
		t.Errorf("first and last (-want +got):\n%s", diff)
	}
	trees, err := os.ReadDir(kept)
	if err != nil || len(trees) != 3 {
		t.Errorf("%d trees are kept in %q, error %v", len(trees), kept, err)
	}
	if err := os.RemoveAll(kept); err != nil {
		t.Fatal(err)
	}
}

func TestProveInterrupted(t *testing.T) {
	t.Parallel()
	p := newProver(t, story()...)
	ctx, cancel := context.WithCancel(t.Context())
	p.Settings.Emit = func(e record.Event) {
		if progress, ok := e.(record.ProofProgress); ok && progress.Done == 2 {
			cancel()
		}
	}
	if proofs, err := p.Prove(ctx, ProveOptions{}); !errors.Is(err, context.Canceled) || len(proofs) != 0 {
		t.Errorf("got %d proofs and error %v, want none and Canceled", len(proofs), err)
	}
}

// A proof of many runs lets a check in that has to be alone: here the bug does
// not show before it was.
func TestProveLetsOthersIn(t *testing.T) {
	t.Parallel()
	script := "test -e \"$ROOT.in\" || exit 0\n" + testScript
	p := newProver(t, atBase(story(), "t/test.sh", script, ".chant/specs/002.md", strings.Replace(specRed, "match=", "repeat=1000 atleast=1 match=", 1))...)
	now := fixedTime()
	p.Settings.Now = func() time.Time { // a run takes longer than half of what a proof keeps others out
		now = now.Add(600 * time.Millisecond)
		return now
	}
	let := make(chan error, 1)
	ask := sync.OnceFunc(func() {
		go func() {
			release, err := storage.LockWait(t.Context(), project.StorePath(p.Settings.Root), "checks", storage.Holder{})
			if err == nil {
				err = errors.Join(os.WriteFile(p.Settings.Root+".in", nil, 0o644), release())
			}
			let <- err
		}()
	})
	p.Settings.Emit = func(record.Event) { ask() } // the proof is under way
	got := p.prove(t, ProveOptions{MaxRuns: 1000})
	if err := <-let; err != nil || got.Verdict != record.Proven {
		t.Errorf("got %s (%s) and error %v", got.Verdict, got.Reason, err)
	}
}

// Every byte of a proof but its times is the same, however often it is made.
func TestProveIsRepeatable(t *testing.T) {
	t.Parallel()
	p := newProver(t, story("README", "y\n")...)
	one := p.prove(t, ProveOptions{})
	two := p.prove(t, ProveOptions{Jobs: 2})
	if diff := cmp.Diff(one, two); diff != "" { // the clock of these tests stands still
		t.Errorf("the second differs:\n%s", diff)
	}
}
