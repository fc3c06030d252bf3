package spec

import (
	"slices"
	"strings"
)

// node holds the links of one spec. Specs are indices into Set.all.
type node struct {
	needs      []edge // without duplicates
	dependents []int
	members    []int
	unresolved []Item // depends_on items that match no spec, or several
	cycle      int    // 1 + index of its cycle in Set.cycles; 0 if it is in none
	approval   string // see missingApproval
}

// edge leads from a spec to one that must be completed before it.
type edge struct {
	to    int
	named bool // in depends_on; else the edge is one of a group
	pos   Pos  // position of the depends_on item
}

// Dependencies returns the specs that must be completed before s: the specs in
// its depends_on and, for a group, its members. A member of a group that has no
// depends_on depends on the preceding member.
func (g *Set) Dependencies(s *Spec) []*Spec {
	if i, ok := g.index[s]; ok {
		return g.specs(g.needed(i))
	}
	return nil
}

func (g *Set) needed(i int) []int {
	var needed []int
	for _, e := range g.nodes[i].needs {
		needed = append(needed, e.to)
	}
	return needed
}

// Dependents returns, in natural order, the specs that have s among their
// Dependencies.
func (g *Set) Dependents(s *Spec) []*Spec {
	if i, ok := g.index[s]; ok {
		return g.specs(g.nodes[i].dependents)
	}
	return nil
}

// Members returns the specs with an id of the form s.ID + ".N", ordered by
// number.
func (g *Set) Members(s *Spec) []*Spec {
	if i, ok := g.index[s]; ok {
		return g.specs(g.nodes[i].members)
	}
	return nil
}

// Order returns all specs, each after its dependencies, and otherwise in natural
// order. Specs in cycles, and the specs that depend on them, come last.
func (g *Set) Order() []*Spec { return g.specs(g.order) }

func (g *Set) specs(indices []int) []*Spec {
	var specs []*Spec
	for _, i := range indices {
		specs = append(specs, g.all[i])
	}
	return specs
}

// link fills in the nodes, except for their cycles.
func (g *Set) link() {
	for i, s := range g.all {
		if group := g.preferLive(g.byID[parentID(s.ID)]); len(group) > 0 {
			n := &g.nodes[group[0]]
			n.members = append(n.members, i)
		}
		g.nodes[i].approval = missingApproval(s)
	}
	for i, s := range g.all {
		for _, item := range s.DependsOn {
			if found := g.matches(item.Value); len(found) == 1 {
				g.need(i, edge{to: found[0], named: true, pos: item.Pos})
			} else {
				g.nodes[i].unresolved = append(g.nodes[i].unresolved, item)
			}
		}
	}
	for i := range g.nodes {
		members := g.nodes[i].members
		for k, m := range members {
			if k > 0 && len(g.all[m].DependsOn) == 0 {
				g.need(m, edge{to: members[k-1]})
			}
			g.need(i, edge{to: m})
		}
	}
	for i := range g.nodes {
		for _, e := range g.nodes[i].needs {
			g.nodes[e.to].dependents = append(g.nodes[e.to].dependents, i)
		}
	}
}

// need adds an edge, unless there is already one to the same spec.
func (g *Set) need(from int, e edge) {
	n := &g.nodes[from]
	if !slices.ContainsFunc(n.needs, func(old edge) bool { return old.to == e.to }) {
		n.needs = append(n.needs, e)
	}
}

// sort takes, each time, the first spec in natural order whose dependencies have
// all been taken (Kahn, CACM 5(11), 1962). It returns the others as unordered.
func (g *Set) sort() (order, unordered []int) {
	waits := make([]int, len(g.nodes)) // dependencies not yet in order
	var free []int                     // sorted
	for i := range g.nodes {
		if waits[i] = len(g.nodes[i].needs); waits[i] == 0 {
			free = append(free, i)
		}
	}
	for len(free) > 0 {
		i := free[0]
		free = free[1:]
		order = append(order, i)
		for _, d := range g.nodes[i].dependents {
			if waits[d]--; waits[d] == 0 {
				at, _ := slices.BinarySearch(free, d)
				free = slices.Insert(free, at, d)
			}
		}
	}
	for i := range g.nodes {
		if waits[i] > 0 {
			unordered = append(unordered, i)
		}
	}
	return order, unordered
}

// findCycles finds the cycles among the specs that sort could not order. Of the
// specs that can all reach one another it reports only a shortest cycle through
// the first: there can be exponentially many.
func (g *Set) findCycles(unordered []int) {
	needed, dependents := make([][]int, len(g.nodes)), make([][]int, len(g.nodes))
	for _, i := range unordered {
		needed[i], dependents[i] = g.needed(i), g.nodes[i].dependents
	}
	for _, i := range unordered {
		from := search(i, needed)
		if from[i] >= 0 {
			g.cycles = append(g.cycles, g.cycleThrough(i, from))
			for k, before := range search(i, dependents) {
				if before >= 0 && from[k] >= 0 {
					g.nodes[k].cycle = len(g.cycles)
					needed[k] = nil
				}
			}
		}
		needed[i] = nil // it is in no other cycle
	}
}

// search searches a graph, the successors of each spec, breadth first from a spec.
// It returns the predecessor of every spec, or -1 for one that it did not reach.
func search(start int, next [][]int) []int {
	from := slices.Repeat([]int{-1}, len(next))
	queue := []int{start}
	for at := 0; at < len(queue); at++ {
		for _, k := range next[queue[at]] {
			if from[k] < 0 {
				from[k] = queue[at]
				queue = append(queue, k)
			}
		}
	}
	return from
}

// cycleThrough returns the path from a spec back to itself. It begins at a spec
// that has the next one in its depends_on; every cycle has such a spec, because
// the edges of groups alone form no cycle.
func (g *Set) cycleThrough(start int, from []int) []int {
	path := []int{start}
	for i := from[start]; i != start; i = from[i] {
		path = append(path, i)
	}
	slices.Reverse(path[1:])
	for !g.step(path, 0).named {
		path = append(path[1:], path[0])
	}
	return path
}

// step returns the edge from the k-th spec of a cycle to the next.
func (g *Set) step(cycle []int, k int) edge {
	needs, next := g.nodes[cycle[k]].needs, cycle[(k+1)%len(cycle)]
	return needs[slices.IndexFunc(needs, func(e edge) bool { return e.to == next })]
}

// cyclePath writes a cycle as "a → b → a".
func (g *Set) cyclePath(cycle []int) string {
	var ids []string
	for _, i := range cycle {
		ids = append(ids, g.all[i].ID)
	}
	return strings.Join(append(ids, ids[0]), " → ")
}
