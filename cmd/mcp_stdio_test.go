package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
)

const handshake = `{"jsonrpc":"2.0","id":1,"method":"initialize",` +
	`"params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
`

// serveInput returns the exit code of chant mcp on an input, and what it writes.
func serveInput(ctx context.Context, t *testing.T, a *App, in io.Reader) (code int, out, errout string) {
	t.Helper()
	var outBuf, errBuf strings.Builder
	code = App{In: in, Out: &outBuf, Err: &errBuf, Env: a.Env, Dir: a.Dir, Now: fixedTime}.Run(ctx, []string{"mcp"})
	return code, outBuf.String(), errBuf.String()
}

// Requests before the end of the input are answered, even one that waits for
// changes of the tools, which never come.
func TestMCPAnswersAllOfItsInput(t *testing.T) {
	t.Parallel()
	a := mcpApp(t, mcpSpecs())
	var in strings.Builder
	in.WriteString(handshake)
	in.WriteString(`{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{
		"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},
		"io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"}}}}` + "\n")
	const last = 40
	for id := 3; id <= last; id++ {
		fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"chant_list","arguments":{}}}`+"\n", id)
	}
	code, out, errout := serveInput(t.Context(), t, a, strings.NewReader(in.String()))
	if code != ExitHeld || errout != "" {
		t.Errorf("exit %d, stderr %q", code, errout)
	}
	answered := map[float64]bool{}
	for line := range strings.Lines(out) {
		message := decode(t, line).(map[string]any)
		if id, ok := message["id"].(float64); ok && message["result"] != nil {
			answered[id] = true
		}
	}
	for id := 1; id <= last; id++ {
		if !answered[float64(id)] {
			t.Errorf("call %d has no answer", id)
		}
	}
}

// Input that is not the protocol ends the session, and nothing else is written
// to stdout.
func TestMCPBadInput(t *testing.T) {
	t.Parallel()
	a := mcpApp(t, mcpSpecs())
	for name, tt := range map[string]struct {
		in   string
		code int
	}{
		"nothing":           {"", ExitHeld},
		"only a handshake":  {handshake, ExitHeld},
		"no JSON":           {handshake + "chant_list\n", ExitEnvironment},
		"half a message":    {handshake + `{"jsonrpc":"2.0",`, ExitEnvironment},
		"no message":        {handshake + `{"id":2}` + "\n", ExitEnvironment},
		"an id that is out": {`{"jsonrpc":"2.0","id":2,"method":"ping"}` + "\n" + `{"jsonrpc":"2.0","id":2,"method":"ping"}` + "\n", ExitHeld},
		"before all else":   {`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"chant_list"}}` + "\n", ExitHeld},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errout := serveInput(t.Context(), t, a, strings.NewReader(tt.in))
			if code != tt.code || strings.HasPrefix(errout, "chant: serving MCP: ") != (code != ExitHeld) {
				t.Errorf("exit %d, stderr %q", code, errout)
			}
			for line := range strings.Lines(out) {
				if message := decode(t, line).(map[string]any); message["jsonrpc"] != "2.0" {
					t.Errorf("wrote %s", line)
				}
			}
		})
	}
}

// A signal ends the server while it waits for input.
func TestMCPStopped(t *testing.T) {
	t.Parallel()
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		in, client := io.Pipe()
		go func() {
			io.WriteString(client, handshake) // returns when the server has read it all
			cancel(SignalError{sig})
		}()
		if code, _, errout := serveInput(ctx, t, mcpApp(t, nil), in); code != want {
			t.Errorf("%v: exit %d, stderr %q", sig, code, errout)
		}
		client.Close()
	}
}
