package spec

import (
	"math"
	"slices"
)

// cyclicComponents returns the strongly connected components of the set that
// contain a cycle (Tarjan, SIAM J. Comput. 1(2), 1972).
func (g *Set) cyclicComponents() [][]int {
	t := tarjan{set: g, number: make([]int, len(g.nodes)), low: make([]int, len(g.nodes))}
	for i := range g.nodes {
		if t.number[i] == 0 {
			t.visit(i)
		}
	}
	return t.found
}

// tarjan is the state of one search.
type tarjan struct {
	set    *Set
	count  int
	number []int // order of visits, from 1; 0 means not visited, MaxInt finished
	low    []int // lowest number on the stack that can be reached from here
	stack  []int
	found  [][]int
}

func (t *tarjan) visit(i int) {
	at := len(t.stack)
	t.count++
	t.number[i], t.low[i] = t.count, t.count
	t.stack = append(t.stack, i)
	cyclic := false
	for _, e := range t.set.nodes[i].needs {
		cyclic = cyclic || e.to == i
		if t.number[e.to] == 0 {
			t.visit(e.to)
			t.low[i] = min(t.low[i], t.low[e.to])
		}
		t.low[i] = min(t.low[i], t.number[e.to])
	}
	if t.low[i] != t.number[i] {
		return
	}
	component := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, c := range component {
		t.number[c] = math.MaxInt // finished: no longer lowers any other
	}
	if cyclic || len(component) > 1 {
		t.found = append(t.found, component)
	}
}
