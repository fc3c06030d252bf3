package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"chant/runner"
	"chant/spec"
)

func (a *App) mcpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mcp",
		Short: "Serve a coding agent by the Model Context Protocol, on stdin and stdout",
		Long: `Mcp is a server of the Model Context Protocol: a coding agent starts it and
asks it what list, show, status, lint, log and prompt say, what is ready, and
for new specs. It runs no check, and offers nothing that ticks, attests, approves or
completes. It ends at the end of its input.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context()) },
	}
}

// serve answers on the App's streams until the input or ctx ends.
func (a *App) serve(ctx context.Context) error {
	err := a.mcpServer().Run(ctx, stdio{a.In, a.Out})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("serving MCP: %w", err)
	}
	return nil
}

const peopleDecide = "Ticks, approvals and completion are made by chant run and by people only; no tool here makes them."

// What the tools take. A client shows these to its model: a word too many is
// paid for in every session.
type (
	noInput   struct{}
	specInput struct {
		ID string `json:"id" jsonschema:"the spec's id or an unambiguous part of it"`
	}
	lintInput struct {
		IDs []string `json:"ids"`
	}
	logInput struct {
		ID  string `json:"id" jsonschema:"the spec's id or an unambiguous part of it"`
		Run string `json:"run,omitempty" jsonschema:"the id of the only run to give, such as last_run.id of chant_status"`
	}
	newInput struct {
		Title string `json:"title" jsonschema:"one line that says what has to be done"`
	}
)

// lintSchema is written out because the one inferred for a list also allows
// null, by a union type, which makes some models' providers refuse every tool.
const lintSchema = `{"type":"object","additionalProperties":false,"properties":{
"ids":{"type":"array","items":{"type":"string"},"description":"only these specs; without it all, and the config"}}}`

// mcpServer makes the server. Every call loads the project anew, since files
// change under it, and shares nothing with the others: calls come at the same
// time.
func (a *App) mcpServer() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "chant", Version: version()}, &mcp.ServerOptions{
		Instructions: "Chant drives a bug from report to merged fix in specs, whose criteria are decided by checks. " + peopleDecide,
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}, // the tools never change, and nothing is logged
	})
	offer(s, reading("chant_list", "List every spec: id, title, state, ticks, dependencies."),
		func(noInput) (any, error) { return a.listView() })
	offer(s, reading("chant_show", "Show one spec: its state, its criteria and the checks that decide them."),
		func(in specInput) (any, error) {
			v, err := a.showView(in.ID)
			if err != nil {
				return nil, err
			}
			return v, v.usable()
		})
	offer(s, reading("chant_status", "Show the board: each spec's state, what blocks it, who runs it, and what its last run missed."),
		func(noInput) (any, error) { return a.statusView() })
	offer(s, reading("chant_ready", "Tell which specs can be run now, and why the others that are not done have to wait. "+peopleDecide),
		func(noInput) (any, error) { return a.readyView() })
	lint := reading("chant_lint", "List problems in specs and config with their places. Runs nothing.")
	lint.InputSchema = json.RawMessage(lintSchema)
	offer(s, lint, func(in lintInput) (any, error) { return a.lintView(in.IDs) })
	offer(s, reading("chant_log", "Give a spec's runs, oldest first, with the outcome of each criterion and the output of its check."),
		func(in logInput) (any, error) {
			v, err := a.logView(in.ID)
			if err != nil {
				return nil, err
			}
			return v.only(in.Run)
		})
	offer(s, reading("chant_prompt", "Give exactly what chant run would tell an agent about a spec, with the size of each part."),
		func(in specInput) (any, error) { return a.promptView(in.ID) })
	offer(s, &mcp.Tool{
		Name:        "chant_new",
		Description: "Make a spec file with the next free number, for you to fill in, and give its path. " + peopleDecide,
		Annotations: &mcp.ToolAnnotations{DestructiveHint: new(false), OpenWorldHint: new(false)},
	}, func(in newInput) (any, error) {
		made, err := a.newSpec(in.Title)
		if err != nil {
			return nil, err
		}
		return newJSON{"chant.new/v1", made.ID, made.Path}, nil
	})
	return s
}

// reading describes a tool that changes nothing.
func reading(name, description string) *mcp.Tool {
	return &mcp.Tool{
		Name: name, Description: description,
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: new(false)},
	}
}

// offer adds a tool whose answer is a value that JSON can hold. It goes out
// both as structured content and as text, on one line, since clients differ in
// which they show. No output schema is offered: it would cost more than it
// tells. An error is the tool's, in the words of the command line, and the
// session goes on; where the answer says it all, there is only the flag.
func offer[In any](s *mcp.Server, tool *mcp.Tool, answer func(In) (any, error)) {
	mcp.AddTool(s, tool, func(_ context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
		v, err := answer(in)
		flagged := err != nil
		encoded := ""
		if !flagged || is[statusError](err) {
			encoded, err = encodeJSON(v, "")
		}
		if err != nil {
			return nil, nil, errors.New(errorText(err))
		}
		text := []mcp.Content{&mcp.TextContent{Text: strings.TrimSuffix(encoded, "\n")}}
		return &mcp.CallToolResult{IsError: flagged, Content: text}, json.RawMessage(encoded), nil
	})
}

// errorText returns what the command line would write about an error.
func errorText(err error) string {
	var b strings.Builder
	report(newScreen(&b, nil), err)
	return strings.TrimSuffix(b.String(), "\n")
}

type newJSON struct {
	Schema string `json:"schema"`
	ID     string `json:"id"`
	Path   string `json:"path"`
}

type readyJSON struct {
	Schema  string     `json:"schema"`
	Ready   []readyRow `json:"ready"`   // what run would take now, in its order
	Waiting []readyRow `json:"waiting"` // the rest of what is not done
}

type readyRow struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	State spec.State `json:"state"`
	Why   string     `json:"why"` // what the last run left to do, or what it waits for; "" where the state says it all
}

func (a *App) readyView() (readyJSON, error) {
	p, live, err := a.board()
	if err != nil {
		return readyJSON{}, err
	}
	ready := runner.Ready(p, live.Facts, nil)
	v := readyJSON{"chant.ready/v1", []readyRow{}, []readyRow{}}
	for _, r := range boardRows(p, live) {
		row := readyRow{r.ID, r.Title, r.State, why(r)}
		if row.Why == row.Title { // what the board says where nothing else is to be said
			row.Why = ""
		}
		switch {
		case slices.ContainsFunc(ready, func(s *spec.Spec) bool { return s.Path == r.Path }):
			v.Ready = append(v.Ready, row)
		case r.State != spec.StateCompleted && r.State != spec.StateCancelled:
			v.Waiting = append(v.Waiting, row)
		}
	}
	return v, nil
}
