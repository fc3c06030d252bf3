package cmd

import (
	"context"
	"fmt"
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

// graphView is a part of the dependency graph with the states of its specs.
type graphView struct {
	project *project.Project
	live    runner.Live
	specs   []*spec.Spec // each after its dependencies
}

func (a *App) graph(ctx context.Context, queries []string, format string) error {
	p, live, err := a.board(ctx)
	if err != nil {
		return err
	}
	view := graphView{project: p, live: live, specs: p.Set.Order()}
	if len(queries) > 0 {
		if view.specs, err = below(p.Set, queries); err != nil {
			return err
		}
	}
	s := a.stdout()
	switch format {
	case "text":
		view.text(s)
	case "mermaid":
		view.mermaid(s)
	case "dot":
		view.dot(s)
	case "json":
		return writeJSON(a.Out, view.json())
	default:
		return &usageError{msg: fmt.Sprintf("invalid graph format %q", format), hint: "text, mermaid or dot"}
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
	for _, q := range queries {
		s, err := set.Resolve(q)
		if err != nil {
			return nil, err
		}
		add(s)
	}
	var list []*spec.Spec
	for _, s := range set.Order() {
		if wanted[s] {
			list = append(list, s)
		}
	}
	return list, nil
}

func (v graphView) state(s *spec.Spec) (spec.State, []spec.Block) {
	return v.project.Set.State(s, v.live.Facts)
}

func (v graphView) text(s *screen) {
	var rows [][]text
	for _, one := range v.specs {
		state, _ := v.state(one)
		var needs []string
		for _, d := range v.project.Set.Dependencies(one) {
			needs = append(needs, d.ID)
		}
		arrow := ""
		if len(needs) > 0 {
			arrow = "← " + strings.Join(needs, ", ")
		}
		rows = append(rows, []text{stateMark(state), plain(one.ID), stateText(state), plain(arrow)})
	}
	s.table(rows)
}

// mermaid writes a flowchart (mermaid.js.org, "flowchart" syntax). Ids are the
// nodes' quoted labels, because a node's name may have few characters.
func (v graphView) mermaid(s *screen) {
	s.line(plain("flowchart TD"))
	name := v.names()
	for _, one := range v.specs {
		state, _ := v.state(one)
		s.line(plainf(`  %s["%s<br/>%s"]`, name[one], escapeMermaid(one.ID), state))
		for _, d := range v.project.Set.Dependencies(one) {
			s.line(plainf("  %s --> %s", name[d], name[one]))
		}
	}
}

// dot writes a directed graph in Graphviz's DOT language.
func (v graphView) dot(s *screen) {
	s.line(plain("digraph chant {"))
	name := v.names()
	for _, one := range v.specs {
		state, _ := v.state(one)
		s.line(plainf("  %s [label=%q];", name[one], one.ID+"\n"+string(state)))
		for _, d := range v.project.Set.Dependencies(one) {
			s.line(plainf("  %s -> %s;", name[d], name[one]))
		}
	}
	s.line(plain("}"))
}

func (v graphView) names() map[*spec.Spec]string {
	names := map[*spec.Spec]string{}
	for i, s := range v.specs {
		names[s] = fmt.Sprintf("s%d", i+1)
	}
	return names
}

// escapeMermaid escapes a label with Mermaid's entity codes, which start with "#"
// and not with "&".
func escapeMermaid(s string) string {
	return strings.NewReplacer("#", "#35;", "&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "`", "#96;").Replace(s)
}

type graphJSON struct {
	Schema string     `json:"schema"`
	Specs  []nodeJSON `json:"specs"`
}

type nodeJSON struct {
	ID           string     `json:"id"`
	State        spec.State `json:"state"`
	Dependencies []string   `json:"dependencies"`
}

func (v graphView) json() graphJSON {
	out := graphJSON{Schema: "chant.graph/v1", Specs: []nodeJSON{}}
	for _, one := range v.specs {
		state, _ := v.state(one)
		node := nodeJSON{ID: one.ID, State: state, Dependencies: []string{}}
		for _, d := range v.project.Set.Dependencies(one) {
			node.Dependencies = append(node.Dependencies, d.ID)
		}
		out.Specs = append(out.Specs, node)
	}
	return out
}
