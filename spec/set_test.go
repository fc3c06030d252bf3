package spec

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// specOf makes a live spec that depends on others, each item on a line of its
// own from line 3 on.
func specOf(id string, dependsOn ...string) *Spec {
	s := &Spec{ID: id, Path: ".chant/specs/" + id + ".md", Title: id}
	for i, d := range dependsOn {
		s.DependsOn = append(s.DependsOn, Item{d, Pos{3 + i, 3}})
	}
	return s
}

func archivedOf(folder, id string, dependsOn ...string) *Spec {
	s := specOf(id, dependsOn...)
	s.Path = ".chant/archive/" + folder + "/" + id + ".md"
	s.Archived = true
	return s
}

func idsOf(specs []*Spec) string {
	var ids []string
	for _, s := range specs {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " ")
}

func TestAllIsInNaturalOrder(t *testing.T) {
	t.Parallel()
	want := []string{
		"001", "01", "1", "2", "002-reproduction", "0010", "10",
		"2026-01-30-00g-iwz", "2026-01-30-00g-iwz.2", "2026-01-30-00g-iwz.10",
		"99999999999999999999998", "99999999999999999999999",
		"a", "a-b", "a.2", "b",
	}
	rapid.Check(t, func(t *rapid.T) {
		var specs []*Spec
		for _, id := range rapid.Permutation(want).Draw(t, "ids") {
			specs = append(specs, specOf(id))
		}
		if diff := cmp.Diff(strings.Join(want, " "), idsOf(NewSet(specs).All())); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAllSortsEqualIDsByPath(t *testing.T) {
	t.Parallel()
	b, a, live := archivedOf("b", "1"), archivedOf("a", "1"), specOf("1")
	if got := NewSet([]*Spec{live, b, a}).All(); got[0] != a || got[1] != b || got[2] != live {
		t.Errorf("order is %s, %s, %s", got[0].Path, got[1].Path, got[2].Path)
	}
}

func TestNaturalOrderIsTotal(t *testing.T) {
	t.Parallel()
	id := rapid.StringMatching(`[0-9ab.-]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := id.Draw(t, "a"), id.Draw(t, "b"), id.Draw(t, "c")
		ab, ba, bc, ac := compareIDs(a, b), compareIDs(b, a), compareIDs(b, c), compareIDs(a, c)
		if sign(ab) != -sign(ba) {
			t.Errorf("compare(%q, %q) = %d, the other way %d", a, b, ab, ba)
		}
		if (ab == 0) != (a == b) {
			t.Errorf("compare(%q, %q) = %d", a, b, ab)
		}
		if ab < 0 && bc < 0 && ac >= 0 {
			t.Errorf("%q < %q < %q, but not %q < %q", a, b, c, a, c)
		}
	})
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestResolve(t *testing.T) {
	t.Parallel()
	g := NewSet([]*Spec{
		specOf("001-comprehension"), specOf("002-Reproduction"), specOf("003-root-cause"),
		specOf("fix"), specOf("fix-2"), specOf("010-race"), specOf("011-race"),
		archivedOf("old", "001-comprehension-of-old"), archivedOf("old", "900-notes"), archivedOf("old", "901-notes"),
		archivedOf("old", "010-race-old"),
		archivedOf("old", "fix"),
		archivedOf("a", "twice"), archivedOf("b", "twice"),
	})
	tests := []struct {
		query string
		path  string // of the spec wanted
		err   string
	}{
		{"001-comprehension", ".chant/specs/001-comprehension.md", ""},
		{"fix", ".chant/specs/fix.md", ""}, // exact beats part; live beats archived
		{"002", ".chant/specs/002-Reproduction.md", ""},
		{"REPRO", ".chant/specs/002-Reproduction.md", ""},
		{"comprehension", ".chant/specs/001-comprehension.md", ""},
		{"old", "", `"old" matches 2 specs (one of "001-comprehension-of-old", "010-race-old")`},
		{"900", ".chant/archive/old/900-notes.md", ""},
		{"901-notes", ".chant/archive/old/901-notes.md", ""},
		{"race", "", `"race" matches 2 specs (one of "010-race", "011-race")`},
		{"notes", "", `"notes" matches 2 specs (one of "900-notes", "901-notes")`},
		{"twice", "", `"twice" matches 2 specs (one of ".chant/archive/a/twice.md", ".chant/archive/b/twice.md")`},
		{"", "", `no spec matches ""`},
		{"nothing-like-it", "", `no spec matches "nothing-like-it"`},
		{"002-reprodution", "", `no spec matches "002-reprodution" (did you mean "002-Reproduction"?)`},
		{"root-cuase", "", `no spec matches "root-cuase" (did you mean "003-root-cause"?)`},
		{"00l-notes", "", `no spec matches "00l-notes" (did you mean "900-notes"?)`},
		{"nodes", "", `no spec matches "nodes" (did you mean "900-notes" or "901-notes"?)`},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			s, err := g.Resolve(tt.query)
			path, msg := "", ""
			if s != nil {
				path = s.Path
			}
			if err != nil {
				msg = err.Error()
			}
			if path != tt.path || msg != tt.err {
				t.Errorf("Resolve(%q) = %q, %q; want %q, %q", tt.query, path, msg, tt.path, tt.err)
			}
		})
	}
}

func TestResolveErrorsCanBeTakenApart(t *testing.T) {
	t.Parallel()
	g := NewSet([]*Spec{specOf("a-1"), specOf("a-2")})
	_, err := g.Resolve("a")
	if e, ok := errors.AsType[*AmbiguousError](err); !ok || e.Query != "a" || !slices.Equal(e.Candidates, []string{"a-1", "a-2"}) {
		t.Errorf("Resolve(a): %#v", err)
	}
	_, err = g.Resolve("b-1")
	if e, ok := errors.AsType[*NotFoundError](err); !ok || e.Query != "b-1" || !slices.Equal(e.Suggestions, []string{"a-1"}) {
		t.Errorf("Resolve(b-1): %#v", err)
	}
}

func TestAmbiguousErrorNamesTheFirstCandidates(t *testing.T) {
	t.Parallel()
	e := AmbiguousError{"x", []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}}
	want := `"x" matches 10 specs (one of "1", "2", "3", "4", "5", "6", "7", "8" and 2 more)`
	if e.Error() != want {
		t.Errorf("got %s", e.Error())
	}
}

// TestSetIsSafeForConcurrentUse is for the race detector.
func TestSetIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	specs := []*Spec{specOf("a", "b"), specOf("b", "a", "gone"), specOf("c"), specOf("c.1")}
	g := NewSet(specs)
	want := ruled(lintAll(g, Config{}, nil))
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for _, s := range g.Order() {
				g.State(s, Live{})
			}
			slices.Reverse(g.All()) // the caller's own
			if diff := cmp.Diff(want, ruled(lintAll(g, Config{}, nil))); diff != "" {
				t.Error(diff)
			}
		})
	}
	readers.Wait()
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	known := []string{"expect", "exit", "match", "nomatch", "repeat", "atleast", "dir", "at"}
	tests := []struct{ word, want string }{
		{"repeats", "repeat"},
		{"Repeat", "repeat"},
		{"extp", ""}, // two edits are half of it
		{"exti", "exit"},
		{"eixt", "exit"},
		{"mathc", "match"},
		{"nomtach", "nomatch"},
		{"atleats", "atleast"},
		{"atlaests", "atleast"},
		{"aatleasts", "atleast"},
		{"xxatleast", "atleast"},
		{"xxxatleast", ""},
		{"dri", "dir"},
		{"timeout", ""},
		{"a", ""},
		{"", ""},
		{"räpeat", "repeat"},
	}
	for _, tt := range tests {
		if got := suggest(tt.word, known); got != tt.want {
			t.Errorf("suggest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestEditsAreAMetricOfSorts(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := edits(a, b)
		if d != edits(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)) {
			t.Errorf("edits(%q, %q) = %d", a, b, d)
		}
	})
}
