package demo_test

import (
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/cmd/demo"
	"chant/spec"
)

func TestBaseHasTheWholeProject(t *testing.T) {
	t.Parallel()
	want := []string{
		".chant/.gitignore",
		".chant/config.md",
		".chant/specs/001-comprehension.md",
		".chant/specs/002-reproduction.md",
		".chant/specs/003-root-cause.md",
		".chant/specs/004-impact-map.md",
		".chant/specs/005-fix.md",
		".chant/specs/006-upstream-pr.md",
		".gitignore",
		"README.md",
		"go.mod",
		"profile/profile.go",
		"profile/profile_test.go",
		"store/store.go",
		"store/store_test.go",
	}
	if diff := cmp.Diff(want, names(demo.Base())); diff != "" {
		t.Errorf("files of the base (-want +got):\n%s", diff)
	}
}

func TestEachStepWritesOnlyItsTargets(t *testing.T) {
	t.Parallel()
	for _, step := range demo.Steps() {
		s := parse(t, step.Spec)
		wrote := names(step.Files)
		if len(wrote) == 0 {
			t.Errorf("%s writes nothing", step.Spec)
		}
		for _, name := range wrote {
			if !s.Targets(name) {
				t.Errorf("%s writes %s, which is none of its targets %v", step.Spec, name, s.TargetFiles)
			}
		}
	}
}

func TestEachStepAttestsWhatNoCommandDecides(t *testing.T) {
	t.Parallel()
	for _, step := range demo.Steps() {
		var want, got []int
		for _, c := range parse(t, step.Spec).Criteria {
			if c.Manual() {
				want = append(want, c.Number)
			}
		}
		for _, a := range step.Attest {
			got = append(got, a.Criterion)
			if a.Note == "" {
				t.Errorf("%s: the attestation of criterion %d has no note", step.Spec, a.Criterion)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: manual criteria (-spec +attested):\n%s", step.Spec, diff)
		}
	}
}

func TestSpecsAreAChainOfPendingPhases(t *testing.T) {
	t.Parallel()
	phases := []string{"comprehension", "reproduction", "root-cause", "impact-map", "fix", "upstream"}
	steps := demo.Steps()
	if len(steps) != len(phases) {
		t.Fatalf("%d steps, want %d", len(steps), len(phases))
	}
	for i, step := range steps {
		s := parse(t, step.Spec)
		if s.Phase != phases[i] || s.Status != spec.StatusPending || s.Ticked() != 0 {
			t.Errorf("%s: phase %q, status %q, %d ticked; want %q, pending, none", s.ID, s.Phase, s.Status, s.Ticked(), phases[i])
		}
		var want, got []string
		if i > 0 {
			want = []string{steps[i-1].Spec}
		}
		for _, d := range s.DependsOn {
			got = append(got, d.Value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: depends_on (-want +got):\n%s", s.ID, diff)
		}
	}
}

func TestLintFindsNothing(t *testing.T) {
	t.Parallel()
	config, problems := spec.ParseConfig(".chant/config.md", read(t, demo.Base(), ".chant/config.md"))
	if len(problems) > 0 {
		t.Errorf("config: %v", problems)
	}
	var specs []*spec.Spec
	for _, step := range demo.Steps() {
		specs = append(specs, parse(t, step.Spec))
	}
	set := spec.NewSet(specs)
	for _, p := range spec.Lint(set, spec.Inspect(set, config, nil)) {
		t.Error(p)
	}
}

// parse reads a spec without problems from the base.
func parse(t *testing.T, id string) *spec.Spec {
	t.Helper()
	name := path.Join(".chant/specs", id+".md")
	s, problems := spec.Parse(name, read(t, demo.Base(), name))
	if len(problems) > 0 {
		t.Fatalf("problems of %s: %v", id, problems)
	}
	return s
}

// names returns the names of files.
func names(files []demo.File) []string {
	var all []string
	for _, f := range files {
		all = append(all, f.Name)
	}
	return all
}

// read returns the content of the named file.
func read(t *testing.T, files []demo.File, name string) []byte {
	t.Helper()
	i := slices.IndexFunc(files, func(f demo.File) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no file %s", name)
	}
	return files[i].Data
}
