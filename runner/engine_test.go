package runner

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

func isUsage(err error) bool {
	_, ok := errors.AsType[*project.UsageError](err)
	return ok
}

func TestNotReadyError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, hint string
		err              NotReadyError
	}{
		{"no blocks", "spec 002: is completed", "chant verify 002 proves it again", NotReadyError{ID: "002", State: spec.StateCompleted}},
		{"paused", "spec 002: is paused", "set its status to pending to run it", NotReadyError{ID: "002", State: spec.StatePaused}},
		{"running", "spec 002: is running", "", NotReadyError{ID: "002", State: spec.StateRunning}},
		{"blocked", "spec 002: is blocked: 001: dependency is ready; needs approval", "chant graph 002 shows what it waits for", NotReadyError{
			ID: "002", State: spec.StateBlocked,
			Blocks: []spec.Block{{ID: "001", Reason: "dependency is ready"}, {ID: "002", Reason: "needs approval"}},
		}},
		{"the reason names it", "spec 002: is blocked: cycle 001 → 002 → 001", "chant graph 002 shows what it waits for", NotReadyError{
			ID: "002", State: spec.StateBlocked, Blocks: []spec.Block{{ID: "001", Reason: "cycle 001 → 002 → 001"}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.err.Error(); got != tt.text {
				t.Errorf("got %q, want %q", got, tt.text)
			}
			if got := tt.err.Hint(); got != tt.hint {
				t.Errorf("hint %q, want %q", got, tt.hint)
			}
		})
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	p := projectOf(t, map[string]string{
		".chant/specs/001.md":   status("pending"),
		".chant/specs/002.md":   "---\ndepends_on: [001]\n---\n",
		".chant/specs/003.md":   status("failed"),
		".chant/specs/004.md":   status("completed"),
		".chant/specs/005.md":   status("pending"),
		".chant/archive/000.md": status("pending"),
	})
	var got []string
	for _, s := range Ready(p, spec.Live{}, map[string]bool{"005": true}) {
		got = append(got, s.ID)
	}
	if diff := cmp.Diff([]string{"001", "003"}, got); diff != "" {
		t.Errorf("ready (-want +got):\n%s", diff)
	}
}

func TestReadLive(t *testing.T) {
	t.Parallel()
	p := projectOf(t, map[string]string{
		".chant/specs/001.md": status("pending"),
		".chant/specs/002.md": status("pending"),
		".chant/specs/003.md": status("pending"),
		".chant/specs/004.md": "---\nstatus: [\n---\n",
	})
	h, err := record.OpenHistory(project.StorePath(p.Root), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	digest := p.Set.All()[0].Digest() // they have no criteria: all have the same
	for _, ev := range []record.Evidence{
		{ID: "1", Spec: "001", Verdict: record.Failed, Digest: digest},
		{ID: "1", Spec: "002", Verdict: record.Failed, Digest: "of other criteria"},
		{ID: "1", Spec: "003", Verdict: record.Failed, Digest: digest},
		{ID: "2", Spec: "003", Verdict: record.Stopped, Digest: digest},
	} {
		if err := h.Add(ev); err != nil {
			t.Fatal(err)
		}
	}
	holder := storage.Holder{PID: 7, Host: "h", Since: fixedTime()}
	release, err := storage.Lock(t.Context(), project.StorePath(p.Root), project.LockName("002"), holder)
	if err != nil {
		t.Fatal(err)
	}
	live, err := ReadLive(t.Context(), p, nil)
	if err := errors.Join(err, release()); err != nil {
		t.Fatal(err)
	}
	want := spec.Live{
		Running: map[string]bool{"002": true},
		Failed:  map[string]bool{"001": true, "002": false, "003": false, "004": false},
		Invalid: map[string]bool{"004": true},
	}
	if diff := cmp.Diff(want, live.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if live.Holders["002"].PID != 7 || live.Last["003"].ID != "2" {
		t.Errorf("holders %v, last %v", live.Holders, live.Last)
	}
}

func specOf(t *testing.T, text string) *spec.Spec {
	t.Helper()
	s, problems := spec.Parse(".chant/specs/002-reproduction.md", []byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return s
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

func status(word string) string { return "---\nstatus: " + word + "\n---\n# T\n" }

func fixedTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
