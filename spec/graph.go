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
	i, ok := g.index[s]
	if !ok {
		return nil
	}
	var specs []*Spec
	for _, e := range g.nodes[i].needs {
		specs = append(specs, g.all[e.to])
	}
	return specs
}

// Dependents returns, in natural order, the specs that have s among their
// Dependencies.
func (g *Set) Dependents(s *Spec) []*Spec {
	i, ok := g.index[s]
	if !ok {
		return nil
	}
	return g.specs(g.nodes[i].dependents)
}

// Members returns the specs with an id of the form s.ID + ".N", ordered by
// number.
func (g *Set) Members(s *Spec) []*Spec {
	i, ok := g.index[s]
	if !ok {
		return nil
	}
	return g.specs(g.nodes[i].members)
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

// sort returns the order of Order: each time the first spec, in natural order,
// whose dependencies have all been taken (Kahn, CACM 5(11), 1962).
func (g *Set) sort() []int {
	waits := make([]int, len(g.nodes)) // dependencies not yet in order
	var free, order []int              // free is sorted
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
			order = append(order, i)
		}
	}
	return order
}

// findCycles finds the strongly connected components that contain a cycle. For
// each it reports only a shortest cycle through its first spec: a component can
// contain exponentially many.
func (g *Set) findCycles() {
	for _, component := range g.cyclicComponents() {
		g.cycles = append(g.cycles, g.shortestCycle(slices.Min(component)))
		for _, i := range component {
			g.nodes[i].cycle = len(g.cycles)
		}
	}
}

// shortestCycle searches breadth first for a path from a spec in a cycle back to
// itself. The path begins at a spec that has the next one in its depends_on;
// every cycle has such a spec, because the edges of groups alone form no cycle.
func (g *Set) shortestCycle(start int) []int {
	from := map[int]int{} // predecessor of each spec that was reached
	for queue := []int{start}; ; queue = queue[1:] {
		i := queue[0]
		for _, e := range g.nodes[i].needs {
			if _, seen := from[e.to]; !seen {
				from[e.to] = i
				queue = append(queue, e.to)
			}
		}
		if _, closed := from[start]; closed {
			break
		}
	}
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
