package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"chant/runner/project"
	"chant/runner/record"
	"chant/storage"
)

// mcpSpecs is a project with specs in most states, and hostile text.
func mcpSpecs() map[string]string {
	const criteria = "\n## Acceptance Criteria\n\n- [x] One\n  ```sh check\n  true <a >b && echo '\u202e'\n  ```\n- [ ] Two\n"
	return map[string]string{
		"001-one.md":    "---\nstatus: completed\n---\n# Understand\n" + criteria,
		"002-two.md":    "# To the \u202eleft & \x7f\n" + criteria,
		"003-three.md":  "---\ndepends_on: [002-two]\n---\n# Find\n" + criteria,
		"004-bad.md":    "---\nstatus: [\n---\n# Bad\n",
		"005-two.md":    "---\nstatus: paused\n---\n# Paused\n" + criteria,
		"006-gone.md":   "---\nstatus: cancelled\n---\n# Cancelled\n" + criteria,
		"007-afresh.md": "# Afresh\n" + criteria,
	}
}

// mcpApp creates a repository with these specs in a temporary folder, in which the spec
// 002-two has been run twice.
func mcpApp(t *testing.T, specs map[string]string) *App {
	t.Helper()
	dir := t.TempDir()
	for name, text := range specs {
		writeFile(t, filepath.Join(dir, ".chant/specs", name), text)
	}
	writeFile(t, filepath.Join(dir, ".chant/prompts/standard.md"), "# Prompt\n\nDo {{spec.id}}.\n")
	for _, args := range []string{"init", "add .chant", "commit --quiet --message=Specs"} {
		c := exec.CommandContext(t.Context(), "git", strings.Fields("-C "+dir+" -c user.name=A -c user.email=a@example.invalid "+args)...)
		c.Env = append(c.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	h, err := record.OpenHistory(project.StorePath(dir), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"r1", "r2"} {
		err := h.Add(record.Evidence{ID: id, Spec: "002-two", Started: fixedTime(), Verdict: record.Waiting, Criteria: []record.Result{
			{Number: 1, Text: "One", Outcome: record.Held, Check: &record.CheckResult{Output: id + ": \x1b[2J\u202e</a>\n"}},
			{Number: 2, Text: "Two", Outcome: record.Unattested, Manual: true},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return &App{Env: os.Environ(), Dir: dir, Now: fixedTime}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// onTheCommandLine runs chant in the folder of an App.
func onTheCommandLine(t *testing.T, a *App, args ...string) (code int, out, errout string) {
	t.Helper()
	var outBuf, errBuf strings.Builder
	code = App{In: strings.NewReader(""), Out: &outBuf, Err: &errBuf, Env: a.Env, Dir: a.Dir, Now: fixedTime}.Run(t.Context(), args)
	return code, outBuf.String(), errBuf.String()
}

// connect returns a session with the App's server, in memory.
func connect(t *testing.T, a *App) *mcp.ClientSession {
	t.Helper()
	here, there := mcp.NewInMemoryTransports()
	server, err := a.mcpServer().Connect(t.Context(), there, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), here, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if err := server.Wait(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// ask calls a tool and returns its text.
func ask(t *testing.T, session *mcp.ClientSession, tool string, args map[string]any) (*mcp.CallToolResult, string) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	if len(result.Content) != 1 {
		t.Fatalf("%s %v: %d pieces of content", tool, args, len(result.Content))
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok {
		t.Fatalf("%s %v: content %T", tool, args, result.Content[0])
	}
	return result, text.Text
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestMCPTools(t *testing.T) {
	t.Parallel()
	session := connect(t, mcpApp(t, nil))
	list, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names, writers []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		if !tool.Annotations.ReadOnlyHint {
			writers = append(writers, tool.Name)
		}
		if tool.OutputSchema != nil {
			t.Errorf("%s has an output schema, which every session pays for", tool.Name)
		}
		schema, err := json.Marshal(tool.InputSchema)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(schema, []byte(`"type":[`)) {
			t.Errorf("%s has a union type, which some models refuse: %s", tool.Name, schema)
		}
	}
	want := []string{"chant_lint", "chant_list", "chant_log", "chant_new", "chant_prompt", "chant_ready", "chant_show", "chant_status"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(names))); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"chant_new"}, writers); diff != "" {
		t.Errorf("tools that write (-want +got):\n%s", diff)
	}
	for _, word := range []string{"run", "attest", "approve", "reject", "skip", "verify", "prove", "store", "init"} {
		params := &mcp.CallToolParams{Name: "chant_" + word, Arguments: map[string]any{"id": "002-two"}}
		if result, err := session.CallTool(t.Context(), params); err == nil {
			t.Errorf("chant_%s answers %v", word, result)
		}
	}
	offered, err := json.Marshal(session.InitializeResult().Capabilities)
	if err != nil {
		t.Fatal(err)
	}
	if string(offered) != `{"tools":{}}` {
		t.Errorf("the server offers %s", offered)
	}
}

// A tool answers what the command prints as JSON.
func TestMCPAnswersLikeTheCommands(t *testing.T) {
	t.Parallel()
	a := mcpApp(t, mcpSpecs())
	session := connect(t, a)
	for _, tt := range []struct {
		tool    string
		args    map[string]any
		command string
		flagged bool // the spec that was asked for can't be used
	}{
		{"chant_list", nil, "list --json", false},
		{"chant_status", nil, "status --json", false},
		{"chant_show", map[string]any{"id": "002"}, "show 002 --json", false},
		{"chant_show", map[string]any{"id": "004"}, "show 004 --json", true},
		{"chant_lint", nil, "lint --json", false},
		{"chant_lint", map[string]any{"ids": []string{}}, "lint --json", false},
		{"chant_lint", map[string]any{"ids": []string{"002", "003"}}, "lint 002 003 --json", false},
		{"chant_log", map[string]any{"id": "002"}, "log 002 --json", false},
		{"chant_log", map[string]any{"id": "002", "run": "r2"}, "log 002 --run r2 --json", false},
		{"chant_log", map[string]any{"id": "003"}, "log 003 --json", false},
		{"chant_prompt", map[string]any{"id": "002"}, "prompt 002 --json", false},
	} {
		result, text := ask(t, session, tt.tool, tt.args)
		_, printed, said := onTheCommandLine(t, a, strings.Fields(tt.command)...)
		if said != "" {
			t.Fatalf("%s: %s", tt.command, said)
		}
		want := decode(t, printed)
		if diff := cmp.Diff(want, result.StructuredContent); diff != "" {
			t.Errorf("%s %v: structured content (-printed +got):\n%s", tt.tool, tt.args, diff)
		}
		if diff := cmp.Diff(want, decode(t, text)); diff != "" {
			t.Errorf("%s %v: text (-printed +got):\n%s", tt.tool, tt.args, diff)
		}
		if clean(text) != text {
			t.Errorf("%s %v: control characters in %q", tt.tool, tt.args, text)
		}
		if result.IsError != tt.flagged {
			t.Errorf("%s %v: error flag %t", tt.tool, tt.args, result.IsError)
		}
	}
}

func TestMCPReady(t *testing.T) {
	t.Parallel()
	_, text := ask(t, connect(t, mcpApp(t, mcpSpecs())), "chant_ready", nil)
	const want = `{"schema":"chant.ready/v1","ready":[` +
		`{"id":"002-two","title":"To the \u202eleft & \u007f","state":"ready","why":"waiting for a person to attest criterion 2: Two (chant ` +
		`attest 002-two 2 -m NOTE)"},` +
		`{"id":"007-afresh","title":"Afresh","state":"ready","why":""}],"waiting":[` +
		`{"id":"003-three","title":"Find","state":"blocked","why":"waiting for 002-two"},` +
		`{"id":"004-bad","title":"Bad","state":"invalid","why":"spec 004-bad: .chant/specs/004-bad.md:2:1: invalid YAML: did not find expected ` +
		`node content"},` +
		`{"id":"005-two","title":"Paused","state":"paused","why":""}]}`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("ready (-want +got):\n%s", diff)
	}
}

// An error of chant is an error of the tool with the same text, and the session
// goes on.
func TestMCPErrors(t *testing.T) {
	t.Parallel()
	badConfig := mcpApp(t, nil)
	writeFile(t, filepath.Join(badConfig.Dir, ".chant/config.md"), "---\nproject: [\n---\n")
	apps := map[string]*App{"project": mcpApp(t, mcpSpecs()), "none": {Dir: t.TempDir(), Now: fixedTime}, "bad config": badConfig}
	sessions := map[string]*mcp.ClientSession{}
	for name, a := range apps {
		sessions[name] = connect(t, a)
	}
	for _, tt := range []struct {
		where   string
		tool    string
		args    map[string]any
		command []string
	}{
		{"project", "chant_show", map[string]any{"id": "nosuch"}, []string{"show", "nosuch"}},
		{"project", "chant_show", map[string]any{"id": "tow"}, []string{"show", "tow"}},
		{"project", "chant_show", map[string]any{"id": "two"}, []string{"show", "two"}},
		{"project", "chant_show", map[string]any{"id": ""}, []string{"show", ""}},
		{"project", "chant_show", map[string]any{"id": "../../../etc/passwd"}, []string{"show", "../../../etc/passwd"}},
		{"project", "chant_show", map[string]any{"id": hostile}, []string{"show", hostile}},
		{"project", "chant_lint", map[string]any{"ids": []string{"002", "nosuch"}}, []string{"lint", "002", "nosuch"}},
		{"project", "chant_log", map[string]any{"id": "nosuch"}, []string{"log", "nosuch"}},
		{"project", "chant_log", map[string]any{"id": "002", "run": "../r1"}, []string{"log", "002", "--run", "../r1", "--json"}},
		{"project", "chant_prompt", map[string]any{"id": "004"}, []string{"prompt", "004"}},
		{"project", "chant_new", map[string]any{"title": " \n"}, []string{"new", " \n"}},
		{"project", "chant_new", map[string]any{"title": "Agent Output"}, []string{"new", "Agent Output"}},
		{"none", "chant_list", nil, []string{"list"}},
		{"none", "chant_status", nil, []string{"status"}},
		{"none", "chant_ready", nil, []string{"status"}},
		{"none", "chant_lint", nil, []string{"lint"}},
		{"none", "chant_new", map[string]any{"title": "x"}, []string{"new", "x"}},
		{"bad config", "chant_list", nil, []string{"list"}},
	} {
		result, text := ask(t, sessions[tt.where], tt.tool, tt.args)
		_, _, said := onTheCommandLine(t, apps[tt.where], tt.command...)
		if !result.IsError || result.StructuredContent != nil {
			t.Errorf("%s %v: error flag %t, structured content %v", tt.tool, tt.args, result.IsError, result.StructuredContent)
		}
		if want := strings.TrimSuffix(said, "\n"); text != want || !strings.HasPrefix(text, "chant: ") {
			t.Errorf("%s %v: got %q, want %q", tt.tool, tt.args, text, want)
		}
	}
	for _, args := range []map[string]any{nil, {"id": 2}, {"id": nil}, {"id": "002", "all": true}} {
		result, text := ask(t, sessions["project"], "chant_show", args)
		if !result.IsError || !strings.HasPrefix(text, `validating "arguments"`) {
			t.Errorf("arguments %v: %q", args, text)
		}
	}
	if result, text := ask(t, sessions["project"], "chant_list", nil); result.IsError {
		t.Errorf("after all that: %s", text)
	}
}

// Concurrent calls create different specs and read whole ones.
func TestMCPNew(t *testing.T) {
	t.Parallel()
	a := mcpApp(t, nil)
	session := connect(t, a)
	const calls = 8
	var paths [calls]string
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			params := &mcp.CallToolParams{Name: "chant_new", Arguments: map[string]any{"title": "Keep " + hostile}}
			result, err := session.CallTool(t.Context(), params)
			if err != nil || result.IsError {
				t.Errorf("new: %v, error %v", result, err)
				return
			}
			paths[i] = fmt.Sprint(result.StructuredContent.(map[string]any)["path"])
			for _, tool := range []string{"chant_list", "chant_status", "chant_ready", "chant_lint"} {
				if result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool}); err != nil || result.IsError {
					t.Errorf("%s: %v, error %v", tool, result, err)
				}
			}
		})
	}
	wg.Wait()
	if unique := slices.Compact(slices.Sorted(slices.Values(paths[:]))); len(unique) != calls {
		t.Errorf("made %q", unique)
	}
	result, _ := ask(t, session, "chant_new", map[string]any{"title": "One  more"})
	want := map[string]any{"schema": "chant.new/v1", "id": "009-one-more", "path": ".chant/specs/009-one-more.md"}
	if diff := cmp.Diff(want, result.StructuredContent); diff != "" {
		t.Errorf("new (-want +got):\n%s", diff)
	}
	if _, text := ask(t, session, "chant_show", map[string]any{"id": "009"}); !strings.Contains(text, `"title":"One more"`) {
		t.Errorf("made %s", text)
	}
}
