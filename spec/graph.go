package spec

import (
	"slices"
	"strings"
)

// node is what the set knows of one spec beside the spec itself.
type node struct {
	needs      []edge // without doubles
	dependents []int
	members    []int
	unresolved []Item // the depends_on items that mean no spec, or several
	cycle      int    // 1 + its index in Set.cycles; 0 where it is in none
	approval   string // what keeps its approval from counting; "" where nothing
}

// edge leads from a spec to one that must be complete before it.
type edge struct {
	to  int
	why string // "dependency", "preceding member" or "member"
	pos Pos    // of the depends_on item; zero for the edges of a group
}

// Dependencies gives the specs that must be complete before s: those that it
// names in depends_on, for a group's member that names none the preceding
// member, and for a group its members.
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

// Dependents gives, in natural order, the specs that have s among their
// Dependencies.
func (g *Set) Dependents(s *Spec) []*Spec {
	i, ok := g.index[s]
	if !ok {
		return nil
	}
	return g.specs(g.nodes[i].dependents)
}

// Members gives the specs of the group s, ordered by number: those with the id
// s.ID + ".N".
func (g *Set) Members(s *Spec) []*Spec {
	i, ok := g.index[s]
	if !ok {
		return nil
	}
	return g.specs(g.nodes[i].members)
}

// Order gives every spec after all its dependencies, in natural order where
// those leave a choice. Specs in cycles, and what depends on them, come last.
func (g *Set) Order() []*Spec { return g.specs(g.order) }

func (g *Set) specs(indices []int) []*Spec {
	var specs []*Spec
	for _, i := range indices {
		specs = append(specs, g.all[i])
	}
	return specs
}

// link fills in the nodes, but for their cycles.
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
				g.need(i, edge{to: found[0], why: "dependency", pos: item.Pos})
			} else {
				g.nodes[i].unresolved = append(g.nodes[i].unresolved, item)
			}
		}
	}
	for i := range g.nodes {
		members := g.nodes[i].members
		for k, m := range members {
			if k > 0 && len(g.all[m].DependsOn) == 0 {
				g.need(m, edge{to: members[k-1], why: "preceding member"})
			}
			g.need(i, edge{to: m, why: "member"})
		}
	}
	for i := range g.nodes {
		for _, e := range g.nodes[i].needs {
			g.nodes[e.to].dependents = append(g.nodes[e.to].dependents, i)
		}
	}
}

// need adds an edge, unless there is one to the same spec.
func (g *Set) need(from int, e edge) {
	n := &g.nodes[from]
	if !slices.ContainsFunc(n.needs, func(old edge) bool { return old.to == e.to }) {
		n.needs = append(n.needs, e)
	}
}

// sort gives the order of Order: always the first spec, in natural order, all
// of whose dependencies have come (Kahn, CACM 5(11), 1962).
func (g *Set) sort() []int {
	waits := make([]int, len(g.nodes)) // for how many dependencies
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

// findCycles finds the groups of specs that depend on each other, however long
// the way, and for each a shortest cycle through its first spec. One cycle
// stands for its group: a tangle of specs holds exponentially many.
func (g *Set) findCycles() {
	for _, tangle := range g.tangles() {
		g.cycles = append(g.cycles, g.shortestCycle(slices.Min(tangle)))
		for _, i := range tangle {
			g.nodes[i].cycle = len(g.cycles)
		}
	}
}

// shortestCycle walks breadth first from a spec that is in a cycle back to
// itself. The path begins at a spec that names the next in its depends_on; a
// cycle has one, as a group's own edges form none.
func (g *Set) shortestCycle(start int) []int {
	from := map[int]int{} // the spec each was reached from
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
	for g.step(path, 0).why != "dependency" {
		path = append(path[1:], path[0])
	}
	return path
}

// step gives the edge from the k-th spec of a cycle to the next.
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
