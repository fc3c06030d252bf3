package agent

import (
	"cmp"
	"encoding/json"
	"strings"
)

// codexEvent is a line of "codex exec --json".
type codexEvent struct {
	Type    string          `json:"type"`
	Message string          `json:"message"` // of an error
	Error   json.RawMessage `json:"error"`   // of turn.failed
	Item    codexItem       `json:"item"`
	Usage   struct {
		Input  int64 `json:"input_tokens"` // with cached ones
		Output int64 `json:"output_tokens"`
	} `json:"usage"`
}

// codexItem is something that the agent said or did.
type codexItem struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Message   string          `json:"message"`
	Status    string          `json:"status"`
	Command   string          `json:"command"`
	Output    string          `json:"aggregated_output"`
	Server    string          `json:"server"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	Error     json.RawMessage `json:"error"`
	Query     string          `json:"query"`
	Changes   []struct {
		Path string `json:"path"`
		Kind string `json:"kind"`
	} `json:"changes"`
}

func readCodex(s *story, line []byte) bool {
	var e codexEvent
	understood := decode(line, &e)
	switch e.Type {
	case "thread.started", "turn.started", "item.updated":
	case "item.started":
		s.codexStarted(e.Item)
	case "item.completed":
		return s.codexCompleted(e.Item) && understood
	case "turn.completed":
		s.count(e.Usage.Input, e.Usage.Output)
		s.failed, s.complaint = false, "" // errors before, such as lost connections, were mended
	case "turn.failed":
		why := plain(e.Error)
		s.note("error", why)
		s.fail(why)
	case "error":
		s.note("error", e.Message)
		s.fail(e.Message)
	default:
		return false
	}
	return understood
}

// codexStarted adds what takes its time.
func (s *story) codexStarted(item codexItem) {
	switch item.Type {
	case "command_execution":
		s.note("tool", "shell: "+item.Command)
	case "mcp_tool_call":
		s.tool(item.Server+"."+item.Tool, item.Arguments)
	}
}

// codexCompleted adds what the agent said or did. It is false for an item that
// is not known.
func (s *story) codexCompleted(item codexItem) bool {
	if item.Status == "declined" {
		s.denied++
	}
	switch item.Type {
	case "agent_message":
		s.say(item.Text)
		s.answer(item.Text)
	case "command_execution", "mcp_tool_call":
		if item.Status == "failed" || item.Status == "declined" {
			s.note("tool "+item.Status, cmp.Or(item.Output, plain(item.Error), item.Command, item.Tool))
		}
	case "file_change":
		changes := make([]string, len(item.Changes))
		for i, c := range item.Changes {
			changes[i] = c.Kind + " " + c.Path
		}
		s.note("tool", "edit: "+strings.Join(changes, ", "))
	case "web_search":
		s.note("tool", "search: "+item.Query)
	case "error": // a warning
		s.note("error", item.Message)
	case "reasoning", "todo_list":
	default:
		return false
	}
	return true
}
