package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/project"
	"chant/spec"
)

func (a *App) graphCommand() *cobra.Command {
	var format string
	var asJSON bool
	c := &cobra.Command{
		Use:               "graph [ID…]",
		Short:             "Show the dependencies between specs",
		ValidArgsFunction: a.completeIDs,
		RunE: func(c *cobra.Command, args []string) error {
			if asJSON {
				format = "json"
			}
			return a.graph(c.Context(), args, format)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text, mermaid or dot")
	jsonFlag(c, &asJSON)
	c.MarkFlagsMutuallyExclusive("json", "format")
	return c
}

type graphJSON struct {
	Schema string     `json:"schema"`
	Specs  []nodeJSON `json:"specs"` // each after its dependencies
}

type nodeJSON struct {
	ID           string     `json:"id"`
	State        spec.State `json:"state"`
	Dependencies []string   `json:"dependencies"` // all of them are in the graph

	name  string   // of the node: ids may contain any character and be duplicates
	needs []string // the names of its dependencies
}

func (a *App) graph(ctx context.Context, queries []string, format string) error {
	p, live, err := a.board(ctx)
	if err != nil {
		return err
	}
	specs := p.Set.Order()
	if len(queries) > 0 {
		if specs, err = below(p.Set, queries); err != nil {
			return err
		}
	}
	g := graphOf(p.Set, live, specs)
	s := a.stdout()
	switch format {
	case "text":
		g.text(s)
	case "mermaid":
		g.mermaid(s)
	case "dot":
		g.dot(s)
	case "json":
		return writeJSON(a.Out, g)
	default:
		return &project.UsageError{Msg: fmt.Sprintf("invalid graph format %q", format), Mend: "text, mermaid or dot"}
	}
	return s.failed()
}

// below returns the named specs and all their dependencies, in order.
func below(set *spec.Set, queries []string) ([]*spec.Spec, error) {
	wanted := map[*spec.Spec]bool{}
	var add func(s *spec.Spec)
	add = func(s *spec.Spec) {
		if wanted[s] {
			return
		}
		wanted[s] = true
		for _, d := range set.Dependencies(s) {
			add(d)
		}
	}
	named, err := resolveAll(set, queries)
	for _, s := range named {
		add(s)
	}
	return slices.DeleteFunc(set.Order(), func(s *spec.Spec) bool { return !wanted[s] }), err
}

// graphOf returns the graph of specs, which include all their dependencies.
func graphOf(set *spec.Set, live runner.Live, specs []*spec.Spec) graphJSON {
	g := graphJSON{"chant.graph/v1", []nodeJSON{}}
	name := func(s *spec.Spec) string { return fmt.Sprintf("s%d", slices.Index(specs, s)+1) }
	for _, s := range specs {
		state, _ := set.State(s, live.Facts)
		node := nodeJSON{ID: s.ID, State: state, Dependencies: []string{}, name: name(s)}
		for _, d := range set.Dependencies(s) {
			node.Dependencies = append(node.Dependencies, d.ID)
			node.needs = append(node.needs, name(d))
		}
		g.Specs = append(g.Specs, node)
	}
	return g
}

func (g graphJSON) text(s *screen) {
	var rows [][]text
	for _, n := range g.Specs {
		arrow := ""
		if len(n.Dependencies) > 0 {
			arrow = "← " + strings.Join(n.Dependencies, ", ")
		}
		rows = append(rows, []text{stateMark(n.State), plain(n.ID), stateText(n.State), plain(arrow)})
	}
	s.table(rows)
}

// mermaid writes a flowchart (mermaid.js.org, "flowchart" syntax), in
// which a node's name may have few characters.
func (g graphJSON) mermaid(s *screen) {
	s.line(plain("flowchart TD"))
	for _, n := range g.Specs {
		s.line(plainf(`  %s["%s<br/>%s"]`, n.name, escapeMermaid(n.ID), n.State))
		for _, d := range n.needs {
			s.line(plainf("  %s --> %s", d, n.name))
		}
	}
}

// dot writes a directed graph in Graphviz's DOT language.
func (g graphJSON) dot(s *screen) {
	s.line(plain("digraph chant {"))
	for _, n := range g.Specs {
		s.line(plainf("  %s [label=%q];", n.name, n.ID+"\n"+string(n.State)))
		for _, d := range n.needs {
			s.line(plainf("  %s -> %s;", d, n.name))
		}
	}
	s.line(plain("}"))
}

// escapeMermaid escapes a label with Mermaid's entity codes, which start with "#"
// and not with "&".
func escapeMermaid(s string) string {
	return strings.NewReplacer("#", "#35;", "&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "`", "#96;").Replace(s)
}
