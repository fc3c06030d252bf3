package script

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestMCP asks a server as a coding agent does: it starts chant and speaks to
// its stdin and stdout. No answer changes a byte of the repository.
func TestMCP(t *testing.T) {
	t.Parallel()
	p := readable(t)
	before, err := tree(p.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	askAll(t, p.command("chant", "mcp"))
	after, err := tree(p.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := differences(before, after); len(diff) > 0 {
		t.Errorf("reading by MCP changed %q", diff)
	}
}

// TestMCPStartsNothing watches the same server by strace.
func TestMCPStartsNothing(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	p := readable(t)
	trace := filepath.Join(t.TempDir(), "trace")
	askAll(t, p.command("strace", "-f", "-e", "trace=process", "-o", trace, filepath.Join(tools.bin, "chant"), "mcp"))
	calls, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if started := beyondReading(starts(string(calls))); len(started) != 1 {
		t.Errorf("chant mcp starts processes: %q", started)
	}
}

// askAll starts a server, calls every tool that reads, and ends the session;
// the server has to exit 0 and to say nothing on stderr.
func askAll(t *testing.T, server *exec.Cmd) {
	t.Helper()
	var errout bytes.Buffer
	server.Stderr = &errout
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).
		Connect(t.Context(), &mcp.CommandTransport{Command: server, TerminateDuration: patience}, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, errout.Bytes())
	}
	list, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, tool := range list.Tools {
		if !tool.Annotations.ReadOnlyHint {
			continue
		}
		call := &mcp.CallToolParams{Name: tool.Name, Arguments: map[string]any{}}
		if slices.Contains([]string{"chant_show", "chant_log", "chant_prompt"}, tool.Name) {
			call.Arguments = map[string]any{"id": "002"}
		}
		answer, err := session.CallTool(t.Context(), call)
		if err != nil || answer.IsError || answer.StructuredContent == nil {
			t.Errorf("%s: %+v, error %v", tool.Name, answer, err)
		}
		read++
	}
	if read < 2 {
		t.Errorf("the server offers %d tools that read", read)
	}
	if err := session.Close(); err != nil || server.ProcessState.ExitCode() != 0 {
		t.Errorf("ending the session: %v, %v", err, server.ProcessState)
	}
	if errout.Len() > 0 {
		t.Errorf("the server says on stderr: %s", errout.Bytes())
	}
}
