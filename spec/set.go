package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Set holds all specs of a project and the links between them. It is immutable
// and safe for concurrent use. It resolves all ids, those in commands and those
// in depends_on.
type Set struct {
	all    []*Spec // in natural order; every index below is an index into all
	index  map[*Spec]int
	byID   map[string][]int
	folded []string // the ids, in lower case
	nodes  []node
	order  []int
	cycles [][]int // each a path; its last spec depends on its first
}

// NewSet links specs, archived ones too. Their order does not matter. Broken
// links do not remove a spec from the set: Problems reports them.
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
	order, unordered := g.sort()
	g.order = append(order, unordered...)
	g.findCycles(unordered)
	return g
}

// All returns all specs in natural order: sorted by id, with numbers compared by
// value (x.2 before x.10), then by path.
func (g *Set) All() []*Spec { return slices.Clone(g.all) }

// Resolve returns the spec with the id query, or else the only spec whose id
// contains query, in any case. Archived specs are considered only if no other
// spec matches. The error is a *NotFoundError or an *AmbiguousError.
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

// matches returns the specs that query can mean.
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

// preferLive removes the archived specs, unless all are archived.
func (g *Set) preferLive(found []int) []int {
	live := slices.DeleteFunc(slices.Clone(found), func(i int) bool { return g.all[i].Archived })
	if len(live) == 0 {
		return found
	}
	return live
}

// names returns the ids of specs, or their paths if an id occurs twice.
func (g *Set) names(found []int) []string {
	ids, paths := make([]string, len(found)), make([]string, len(found))
	for k, i := range found {
		ids[k], paths[k] = g.all[i].ID, g.all[i].Path
	}
	if len(slices.Compact(slices.Clone(ids))) < len(ids) {
		return paths
	}
	return ids
}

// suggestions returns the ids closest to a misspelt query. It also compares the
// ends of ids, so that "root-cuase" finds 003-root-cause.
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
	Suggestions []string // ids with a similar spelling; may be empty
}

// Error names the query and the suggestions.
func (e *NotFoundError) Error() string {
	msg := fmt.Sprintf("no spec matches %q", e.Query)
	if hint := e.Hint(); hint != "" {
		msg += " (" + hint + ")"
	}
	return msg
}

// Hint names the suggestions; "" if there are none.
func (e *NotFoundError) Hint() string {
	if len(e.Suggestions) == 0 {
		return ""
	}
	return "did you mean " + quoted(e.Suggestions, " or ") + "?"
}

// AmbiguousError is returned by Set.Resolve when several specs match.
type AmbiguousError struct {
	Query      string
	Candidates []string // ids in natural order, or paths if an id occurs twice
}

// Error names the query and the candidates.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q matches %d specs (%s)", e.Query, len(e.Candidates), e.Hint())
}

// Hint names the candidates.
func (e *AmbiguousError) Hint() string {
	return "one of " + quoted(e.Candidates, ", ")
}

// quoted lists the first names in quotes, and says how many more there are.
func quoted(names []string, separator string) string {
	const most = 8
	var words []string
	for _, name := range names[:min(most, len(names))] {
		words = append(words, strconv.Quote(name))
	}
	text := strings.Join(words, separator)
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// compareIDs compares ids in natural order: runs of digits, of any length, by
// value and everything else byte by byte. It is a total order: ids that differ
// only in leading zeros are compared as strings.
func compareIDs(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		n, m := digits(x), digits(y)
		if n == 0 || m == 0 {
			if c := cmp.Compare(x[0], y[0]); c != 0 {
				return c
			}
			x, y = x[1:], y[1:]
			continue
		}
		a, b := strings.TrimLeft(x[:n], "0"), strings.TrimLeft(y[:m], "0")
		if c := cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)); c != 0 {
			return c
		}
		x, y = x[n:], y[m:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// digits counts the leading decimal digits of s.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// parentID returns the ID part of an id of the form ID.N, or "" for any other
// id.
func parentID(id string) string {
	dot := strings.LastIndexByte(id, '.')
	if dot < 0 || dot+1 == len(id) || digits(id[dot+1:]) != len(id)-dot-1 {
		return ""
	}
	return id[:dot]
}
