package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
		Short: "Serve coding agents through the Model Context Protocol, on stdin and stdout",
		Long: `Mcp is a server of the Model Context Protocol. A coding agent starts it and can
ask for what list, show, status, lint, log and prompt show and for the specs that
are ready, and can create specs. The server runs no check, and it has no tool that
ticks, attests, approves or completes. It ends at the end of its input.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context()) },
	}
}

// serve runs the server on the App's streams until the input or ctx ends.
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

const peopleDecide = "Only chant run and people tick, approve and complete; no tool here does."

// The inputs of the tools. Their descriptions are part of a model's prompt in
// every session, so they are short.
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
		Run string `json:"run,omitempty" jsonschema:"return only the run with this id, such as last_run.id of chant_status"`
	}
	newInput struct {
		Title string `json:"title" jsonschema:"one line that says what has to be done"`
	}
)

// lintSchema replaces the schema inferred for a list, which has a union type to
// allow null: some providers of models refuse all tools because of it.
const lintSchema = `{"type":"object","additionalProperties":false,"properties":{
"ids":{"type":"array","items":{"type":"string"},"description":"only these specs; default: all specs and the config"}}}`

// mcpServer returns the server. Every call loads the project again, because files
// change, and shares nothing with other calls, because they are concurrent.
func (a *App) mcpServer() *mcp.Server {
	quiet := *a
	quiet.Err = io.Discard // what a call has to say is in its answer
	a = &quiet
	s := mcp.NewServer(&mcp.Implementation{Name: "chant", Version: version()}, &mcp.ServerOptions{
		Instructions: "Chant drives a bug from report to merged fix in specs, whose criteria are decided by checks. " + peopleDecide,
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}, // no list_changed notifications, no logging
	})
	offer(s, reading("chant_list", "List all specs: id, title, state, ticks, dependencies."),
		func(ctx context.Context, _ noInput) (any, error) { return a.listView(ctx) })
	offer(s, reading("chant_show", "Show one spec: its state, its criteria and the checks that decide them."),
		func(ctx context.Context, in specInput) (any, error) {
			v, err := a.showView(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return v, v.status()
		})
	offer(s, reading("chant_status", "Show each spec's state, what blocks it, who runs it, and what its last run missed."),
		func(ctx context.Context, _ noInput) (any, error) { return a.statusView(ctx) })
	offer(s, reading("chant_ready", "List the specs that can be run now, and why the others that are not completed can't. "+peopleDecide),
		func(ctx context.Context, _ noInput) (any, error) { return a.readyView(ctx) })
	lint := reading("chant_lint", "List problems of specs and config with line and column. Runs nothing.")
	lint.InputSchema = json.RawMessage(lintSchema)
	offer(s, lint, func(ctx context.Context, in lintInput) (any, error) { return a.lintView(ctx, in.IDs) })
	offer(s, reading("chant_log", "List a spec's runs, oldest first, with the outcome of each criterion and the output of its check."),
		func(_ context.Context, in logInput) (any, error) { return a.logView(in.ID, in.Run) })
	offer(s, reading("chant_prompt", "Return the exact prompt that chant run would give an agent for a spec, with the size of each part."),
		func(_ context.Context, in specInput) (any, error) { return a.promptView(in.ID) })
	offer(s, &mcp.Tool{
		Name:        "chant_new",
		Description: "Create a spec file with the next free number, for you to fill in, and return its path. " + peopleDecide,
		Annotations: &mcp.ToolAnnotations{DestructiveHint: new(false), OpenWorldHint: new(false)},
	}, func(_ context.Context, in newInput) (any, error) {
		made, err := a.newSpec(in.Title)
		if err != nil {
			return nil, err
		}
		return struct {
			Schema string `json:"schema"`
			ID     string `json:"id"`
			Path   string `json:"path"`
		}{"chant.new/v1", made.ID, made.Path}, nil
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

// offer adds a tool whose answer is encoded as JSON. The answer is sent as
// structured content and as one line of text, because clients differ in which of
// them they use. There is no output schema: it would make prompts longer and help
// little. An error has the text of the command line's error and does not end the
// session; a statusError, which has no text, only sets the error flag.
func offer[In any](s *mcp.Server, tool *mcp.Tool, answer func(context.Context, In) (any, error)) {
	mcp.AddTool(s, tool, func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
		v, err := answer(ctx, in)
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

// errorText returns what the command line would write for an error.
func errorText(err error) string {
	var b strings.Builder
	report(newScreen(&b, nil), err)
	return strings.TrimSuffix(b.String(), "\n")
}

type readyJSON struct {
	Schema  string     `json:"schema"`
	Ready   []readyRow `json:"ready"`   // the specs that can be run now, in order
	Waiting []readyRow `json:"waiting"` // the others that are not completed
}

type readyRow struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	State spec.State `json:"state"`
	Why   string     `json:"why"` // what the last run missed, or what it waits for; "" if there is nothing to add
}

func (a *App) readyView(ctx context.Context) (readyJSON, error) {
	p, live, err := a.board(ctx)
	if err != nil {
		return readyJSON{}, err
	}
	ready := runner.Ready(p, live.Facts, nil)
	v := readyJSON{"chant.ready/v1", []readyRow{}, []readyRow{}}
	for _, r := range boardRows(p, live) {
		row := readyRow{r.ID, r.Title, r.State, why(r)}
		if row.Why == row.Title { // the board shows the title if there is nothing to add
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
