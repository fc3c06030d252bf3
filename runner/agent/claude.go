package agent

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// claudeEvent is a line of "claude --output-format stream-json", and of what
// Amp and Cursor print in its likeness.
type claudeEvent struct {
	Type    string `json:"type"`
	Subtype string `json:"subtype"`
	Model   string `json:"model"` // of system/init
	Message struct {
		Model   string          `json:"model"`
		Content json.RawMessage `json:"content"`
	} `json:"message"`

	// Of a tool_call, which is Cursor's: one entry, such as "shellToolCall".
	ToolCall map[string]struct {
		Args   json.RawMessage            `json:"args"`
		Result map[string]json.RawMessage `json:"result"`
	} `json:"tool_call"`

	// Of the result.
	IsError bool            `json:"is_error"`
	Result  string          `json:"result"`
	Error   json.RawMessage `json:"error"` // Amp's
	Cost    float64         `json:"total_cost_usd"`
	Usage   struct {
		Input      int64 `json:"input_tokens"`
		CacheWrite int64 `json:"cache_creation_input_tokens"`
		CacheRead  int64 `json:"cache_read_input_tokens"`
		Output     int64 `json:"output_tokens"`
	} `json:"usage"`
	Denials []json.RawMessage `json:"permission_denials"`
}

// claudeBlock is a part of a message.
type claudeBlock struct {
	Type    string          `json:"type"`
	Text    string          `json:"text"`
	Name    string          `json:"name"`
	Input   json.RawMessage `json:"input"`
	IsError bool            `json:"is_error"`
	Content json.RawMessage `json:"content"`
}

func readClaude(s *story, line []byte) bool {
	var e claudeEvent
	understood := decode(line, &e)
	switch e.Type {
	case "system":
		s.modelled(e.Model)
	case "assistant":
		s.modelled(e.Message.Model)
		return s.claudeMessage(e.Message.Content) && understood
	case "user": // what the tools gave
		s.toolResults(e.Message.Content)
	case "thinking":
	case "tool_call":
		s.cursorTool(e)
	case "result":
		s.claudeResult(e)
	default:
		return false
	}
	return understood
}

// modelled records the first model that is reported.
func (s *story) modelled(model string) {
	if s.model == "" && model != "<synthetic>" { // of messages that the program made up
		s.model = model
	}
}

// claudeMessage adds what the agent says and does. It is false where a part is
// not known.
func (s *story) claudeMessage(content json.RawMessage) (understood bool) {
	var text string
	if json.Unmarshal(content, &text) == nil {
		s.say(text)
		return true
	}
	var blocks []claudeBlock
	understood = json.Unmarshal(content, &blocks) == nil
	for _, b := range blocks {
		switch b.Type {
		case "text":
			s.say(b.Text)
		case "tool_use", "server_tool_use":
			s.tool(b.Name, b.Input)
		case "thinking", "redacted_thinking":
		default:
			understood = false
		}
	}
	return understood
}

// toolResults adds what went wrong with tools.
func (s *story) toolResults(content json.RawMessage) {
	var blocks []claudeBlock
	if json.Unmarshal(content, &blocks) != nil {
		return // an echo of the prompt
	}
	for _, b := range blocks {
		if b.IsError {
			s.note("tool failed", plain(b.Content))
		}
	}
}

func (s *story) cursorTool(e claudeEvent) {
	for _, key := range slices.Sorted(maps.Keys(e.ToolCall)) {
		call := e.ToolCall[key]
		if e.Subtype == "started" {
			s.tool(strings.TrimSuffix(key, "ToolCall"), call.Args)
		}
		if call.Result["rejected"] != nil || call.Result["permissionDenied"] != nil {
			s.denied++
		}
	}
}

// claudeResult takes the last event. Its subtype may say "success" of an
// error, and a subtype such as "error_max_turns" may come without is_error.
func (s *story) claudeResult(e claudeEvent) {
	s.answer(e.Result)
	if e.Result != "" && e.Result != s.said {
		s.say(e.Result)
	}
	s.spend(e.Cost)
	s.count(e.Usage.Input+e.Usage.CacheWrite+e.Usage.CacheRead, e.Usage.Output)
	s.denied += len(e.Denials)
	if e.IsError || strings.HasPrefix(e.Subtype, "error") {
		s.fail(cmp.Or(plain(e.Error), e.Result, e.Subtype))
	}
}
