package spec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	g := NewSet([]*Spec{
		specOf("x.10"), specOf("x.2"), specOf("x.1"), specOf("x", "before"), specOf("before"),
		specOf("x.3", "before"), // its own depends_on instead of x.2
		specOf("x.4"),
		specOf("x.2.1"), specOf("x.2.2"), // a group in a group
		specOf("y.1"), specOf("y.2"), // no group y: two plain specs
		specOf("x.a"), specOf("x."), // no members
	})
	tests := []struct{ id, dependencies, dependents, members string }{
		{"x", "before x.1 x.2 x.3 x.4 x.10", "", "x.1 x.2 x.3 x.4 x.10"},
		{"x.1", "", "x x.2", ""},
		{"x.2", "x.1 x.2.1 x.2.2", "x", "x.2.1 x.2.2"},
		{"x.2.2", "x.2.1", "x.2", ""},
		{"x.3", "before", "x x.4", ""},
		{"x.4", "x.3", "x x.10", ""},
		{"x.10", "x.4", "x", ""},
		{"before", "", "x x.3", ""},
		{"y.2", "", "", ""},
		{"x.a", "", "", ""},
		{"x.", "", "", ""},
	}
	for _, tt := range tests {
		s, err := g.Resolve(tt.id)
		if err != nil {
			t.Fatal(err)
		}
		if got := idsOf(g.Dependencies(s)); got != tt.dependencies {
			t.Errorf("Dependencies(%s) = %q, want %q", tt.id, got, tt.dependencies)
		}
		if got := idsOf(g.Dependents(s)); got != tt.dependents {
			t.Errorf("Dependents(%s) = %q, want %q", tt.id, got, tt.dependents)
		}
		if got := idsOf(g.Members(s)); got != tt.members {
			t.Errorf("Members(%s) = %q, want %q", tt.id, got, tt.members)
		}
	}
}

func TestGroupOfLiveSpecIsNotTheArchivedNamesake(t *testing.T) {
	t.Parallel()
	live, old := specOf("x"), archivedOf("old", "x")
	g := NewSet([]*Spec{old, live, specOf("x.1")})
	if got := idsOf(g.Members(live)); got != "x.1" {
		t.Errorf("members of the live spec: %q", got)
	}
	if got := idsOf(g.Members(old)); got != "" {
		t.Errorf("members of the archived spec: %q", got)
	}
}

func TestDependenciesResolveByPartAndOnce(t *testing.T) {
	t.Parallel()
	last := specOf("3-c", "one", "1-one", "2", "gone")
	g := NewSet([]*Spec{specOf("1-one"), archivedOf("old", "2-two"), last})
	if got := idsOf(g.Dependencies(last)); got != "1-one 2-two" {
		t.Errorf("Dependencies = %q", got)
	}
}

func TestASpecOfAnotherSetHasNoLinks(t *testing.T) {
	t.Parallel()
	g := NewSet([]*Spec{specOf("a"), specOf("a.1"), specOf("b", "a")})
	if stranger := specOf("a"); g.Members(stranger) != nil || g.Dependents(stranger) != nil || g.Dependencies(specOf("b", "a")) != nil {
		t.Error("a spec that is not of the set has links in it")
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		specs []*Spec
		want  string
	}{
		{"none", nil, ""},
		{"free", []*Spec{specOf("10"), specOf("2"), specOf("1")}, "1 2 10"},
		{"chain against the ids", []*Spec{specOf("1", "2"), specOf("2", "3"), specOf("3"), specOf("4")}, "3 2 1 4"},
		{"diamond", []*Spec{specOf("a", "c", "d"), specOf("b"), specOf("c", "e"), specOf("d", "e"), specOf("e")}, "b e c d a"},
		{"group", []*Spec{specOf("g"), specOf("g.1"), specOf("g.2"), specOf("g.10"), specOf("a", "g")}, "g.1 g.2 g.10 g a"},
		{"cycles last", []*Spec{specOf("a", "b"), specOf("b", "a"), specOf("c", "a"), specOf("d")}, "d a b c"},
		{"self last", []*Spec{specOf("aa", "aa"), specOf("b")}, "b aa"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := idsOf(NewSet(tt.specs).Order()); got != tt.want {
				t.Errorf("Order = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestOrderOfRandomGraphs draws graphs whose edges lead from higher to lower
// ranks, with ids that are independent of the ranks.
func TestOrderOfRandomGraphs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		names := rapid.Permutation(numbers(n)).Draw(t, "names")
		specs := make([]*Spec, n)
		for rank := range specs {
			specs[rank] = specOf(fmt.Sprintf("s%d", names[rank]))
			for lower := range rank {
				if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
					specs[rank].DependsOn = append(specs[rank].DependsOn, Item{Value: specs[lower].ID})
				}
			}
		}
		g := NewSet(specs)
		place := map[*Spec]int{}
		for i, s := range g.Order() {
			place[s] = i
		}
		if len(place) != n || len(g.Order()) != n {
			t.Fatalf("%d places for %d specs", len(place), n)
		}
		for _, s := range specs {
			for _, d := range g.Dependencies(s) {
				if place[d] >= place[s] {
					t.Errorf("%s comes before its dependency %s", s.ID, d.ID)
				}
			}
		}
		if ps := g.Links(); ps != nil {
			t.Errorf("problems in a sound set: %v", ps)
		}
	})
}

// TestCyclesOfRandomGraphs compares the specs in cycles with those that can reach
// themselves in the transitive closure.
func TestCyclesOfRandomGraphs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 10).Draw(t, "n")
		specs := make([]*Spec, n)
		reach := make([][]bool, n)
		for i := range specs {
			specs[i] = specOf(fmt.Sprintf("s%02d", i))
			reach[i] = make([]bool, n)
			for j := range n {
				if rapid.IntRange(0, n).Draw(t, "edge") == 0 {
					specs[i].DependsOn = append(specs[i].DependsOn, Item{fmt.Sprintf("s%02d", j), Pos{j + 1, 1}})
					reach[i][j] = true
				}
			}
		}
		for k := range n {
			for i := range n {
				for j := range n {
					reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
				}
			}
		}
		g := NewSet(specs)
		tangles := 0
		for i, s := range specs {
			_, blocks := g.State(s, Live{})
			cyclic := slices.ContainsFunc(blocks, func(b Block) bool { return strings.HasPrefix(b.Reason, "dependency cycle ") })
			if cyclic != reach[i][i] {
				t.Errorf("%s: blocked by a cycle: %t, reaches itself: %t", s.ID, cyclic, reach[i][i])
			}
			first := reach[i][i]
			for j := range i {
				first = first && (!reach[i][j] || !reach[j][i])
			}
			if first {
				tangles++
			}
		}
		if ps := g.Links(); len(ps) != tangles {
			t.Errorf("%d problems for %d tangles: %v", len(ps), tangles, ps)
		}
	})
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestSetProblems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		specs []*Spec
		want  []string
	}{
		{"sound", []*Spec{specOf("a"), specOf("b", "a")}, nil},
		{"unknown", []*Spec{specOf("a-spec"), specOf("b", "a-spek", "nothing")}, []string{
			`unknown-dependency spec b: .chant/specs/b.md:3:3: dependency "a-spek" matches no spec (did you mean "a-spec"?)`,
			`unknown-dependency spec b: .chant/specs/b.md:4:3: dependency "nothing" matches no spec`,
		}},
		{"ambiguous", []*Spec{specOf("a-1"), specOf("a-2"), specOf("b", "a-")}, []string{
			`ambiguous-dependency spec b: .chant/specs/b.md:3:3: dependency "a-" matches 2 specs (one of "a-1", "a-2")`,
		}},
		{"one id, two files", []*Spec{specOf("a"), archivedOf("old", "a")}, []string{
			`duplicate-id spec a: .chant/archive/old/a.md: id "a" is also the id of .chant/specs/a.md (rename one of the two)`,
			`duplicate-id spec a: .chant/specs/a.md: id "a" is also the id of .chant/archive/old/a.md (rename one of the two)`,
		}},
		{"self", []*Spec{specOf("a1", "a1")}, []string{
			`self-dependency spec a1: .chant/specs/a1.md:3:3: depends on itself`,
		}},
		{"two disjoint cycles",
			[]*Spec{specOf("d", "e"), specOf("e", "d"), specOf("a", "x", "b"), specOf("b", "c"), specOf("c", "a"), specOf("x", "d")}, []string{
				`dependency-cycle spec a: .chant/specs/a.md:4:3: cycle of dependencies a → b → c → a`,
				`dependency-cycle spec d: .chant/specs/d.md:3:3: cycle of dependencies d → e → d`,
			}},
		{"shortest cycle of a component", []*Spec{specOf("a", "b"), specOf("b", "c"), specOf("c", "d", "a"), specOf("d", "a")}, []string{
			`dependency-cycle spec a: .chant/specs/a.md:3:3: cycle of dependencies a → b → c → a`,
		}},
		{"cycle met at its last spec", []*Spec{specOf("a", "e"), specOf("c", "e"), specOf("e", "c")}, []string{
			`dependency-cycle spec c: .chant/specs/c.md:3:3: cycle of dependencies c → e → c`,
		}},
		{"member that depends on its group", []*Spec{specOf("g"), specOf("g.1"), specOf("g.2", "g")}, []string{
			`dependency-cycle spec g.2: .chant/specs/g.2.md:3:3: cycle of dependencies g.2 → g → g.2`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, ruled(append(NewSet(tt.specs).Links(), NewSet(tt.specs).Duplicates()...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// ruled formats problems as "RULE TEXT".
func ruled(problems Problems) []string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.Rule+" "+p.Error())
	}
	return lines
}
