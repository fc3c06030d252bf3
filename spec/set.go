package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Set is all the specs of a project with the links between them. It does not
// change once made, and is safe for concurrent use. Every id, in a command or
// in a depends_on, is resolved by it.
type Set struct {
	all    []*Spec // in natural order; every index below is into it
	index  map[*Spec]int
	byID   map[string][]int
	folded []string // the ids, in lower case
	nodes  []node
	order  []int
	cycles [][]int // each a path whose last step leads back to its first
}

// NewSet links specs, in any order, live and archived ones together. What is
// wrong with the links is told by Problems; no spec is left out for it.
func NewSet(specs []*Spec) *Set {
	g := &Set{
		all:    slices.Clone(specs),
		index:  make(map[*Spec]int, len(specs)),
		byID:   make(map[string][]int, len(specs)),
		folded: make([]string, len(specs)),
		nodes:  make([]node, len(specs)),
	}
	slices.SortStableFunc(g.all, func(a, b *Spec) int {
		return cmp.Or(compareIDs(a.ID, b.ID), strings.Compare(a.Path, b.Path))
	})
	for i, s := range g.all {
		g.index[s] = i
		g.byID[s.ID] = append(g.byID[s.ID], i)
		g.folded[i] = strings.ToLower(s.ID)
	}
	g.link()
	g.order = g.sort()
	g.findCycles()
	return g
}

// All gives every spec, sorted by id with the numbers in it taken by value
// (002 before 010, x.2 before x.10), and by path where ids are equal.
func (g *Set) All() []*Spec { return slices.Clone(g.all) }

// Resolve gives the spec that query means: the one whose id it is, else the
// only one whose id contains it, in any case. Where specs outside the archive
// match, archived ones do not count. The error is a *NotFoundError or an
// *AmbiguousError.
func (g *Set) Resolve(query string) (*Spec, error) {
	switch found := g.matches(query); len(found) {
	case 0:
		return nil, &NotFoundError{Query: query, Suggestions: g.suggestions(query)}
	case 1:
		return g.all[found[0]], nil
	default:
		return nil, &AmbiguousError{Query: query, Candidates: g.names(found)}
	}
}

// matches finds the specs that query may mean; one, where it is resolved.
func (g *Set) matches(query string) []int {
	if query == "" {
		return nil
	}
	found := g.byID[query]
	if found == nil {
		part := strings.ToLower(query)
		for i, id := range g.folded {
			if strings.Contains(id, part) {
				found = append(found, i)
			}
		}
	}
	return g.preferLive(found)
}

// preferLive leaves out the archived specs, unless there are no others.
func (g *Set) preferLive(found []int) []int {
	var live []int
	for _, i := range found {
		if !g.all[i].Archived {
			live = append(live, i)
		}
	}
	if len(live) > 0 {
		return live
	}
	return found
}

// names tells several specs apart: by their ids, or by their paths where an
// id occurs twice.
func (g *Set) names(found []int) []string {
	ids := make([]string, len(found))
	for k, i := range found {
		ids[k] = g.all[i].ID
		if k > 0 && ids[k] == ids[k-1] {
			return g.paths(found)
		}
	}
	return ids
}

func (g *Set) paths(found []int) []string {
	paths := make([]string, len(found))
	for k, i := range found {
		paths[k] = g.all[i].Path
	}
	return paths
}

// suggestions gives the ids that a misspelt query is nearest to. It also tries
// the ends of ids: who writes "root-cuase" means 003-root-cause.
func (g *Set) suggestions(query string) []string {
	var ends []string
	owners := map[string][]string{}
	for i, end := range g.folded {
		for found := true; found; _, end, found = strings.Cut(end, "-") {
			if owners[end] == nil {
				ends = append(ends, end)
			}
			owners[end] = append(owners[end], g.all[i].ID)
		}
	}
	return slices.Compact(owners[suggest(strings.ToLower(query), ends)])
}

// NotFoundError is returned by Set.Resolve when no id matches.
type NotFoundError struct {
	Query       string
	Suggestions []string // ids that are spelt nearly so; may be empty
}

// Error names the query and the suggestions.
func (e *NotFoundError) Error() string {
	return withHint(fmt.Sprintf("no spec matches %q", e.Query), e.Hint())
}

// Hint asks whether a suggestion was meant; "" where there is none.
func (e *NotFoundError) Hint() string {
	if len(e.Suggestions) == 0 {
		return ""
	}
	return "did you mean " + quoted(e.Suggestions, " or ") + "?"
}

// AmbiguousError is returned by Set.Resolve when several specs match.
type AmbiguousError struct {
	Query      string
	Candidates []string // ids in natural order; paths where one id occurs twice
}

// Error names the query and the candidates.
func (e *AmbiguousError) Error() string {
	return withHint(fmt.Sprintf("%q matches %d specs", e.Query, len(e.Candidates)), e.Hint())
}

// Hint names the candidates.
func (e *AmbiguousError) Hint() string {
	return "one of " + quoted(e.Candidates, ", ")
}

func withHint(msg, hint string) string {
	if hint == "" {
		return msg
	}
	return msg + " (" + hint + ")"
}

// quoted lists names in quotes: the first few of them, and how many more.
func quoted(names []string, separator string) string {
	const most = 8
	var b strings.Builder
	for i, name := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(separator)
		}
		fmt.Fprintf(&b, "%q", name)
	}
	return b.String()
}
