package agent

import (
	"cmp"
	"encoding/json"
)

// geminiEvent is a line of "gemini --output-format stream-json".
type geminiEvent struct {
	Type       string          `json:"type"`
	Model      string          `json:"model"` // of init
	Role       string          `json:"role"`
	Content    string          `json:"content"`
	Delta      bool            `json:"delta"` // the content goes on with the last one's
	Tool       string          `json:"tool_name"`
	Parameters json.RawMessage `json:"parameters"`
	Status     string          `json:"status"`
	Output     json.RawMessage `json:"output"`
	Message    string          `json:"message"` // of an error
	Error      json.RawMessage `json:"error"`
	Stats      struct {
		Input  int64 `json:"input_tokens"` // with cached ones
		Output int64 `json:"output_tokens"`
	} `json:"stats"`
}

func readGemini(s *story, line []byte) bool {
	var e geminiEvent
	understood := decode(line, &e)
	switch e.Type {
	case "init":
		s.modelled(e.Model)
	case "message":
		s.geminiMessage(e)
	case "tool_use":
		s.final = nil // what was said before was not the last word
		s.tool(e.Tool, e.Parameters)
	case "tool_result":
		if e.Status == "error" {
			s.note("tool failed", cmp.Or(plain(e.Error), plain(e.Output)))
		}
	case "error": // the agent goes on after it
		s.note("error", e.Message)
	case "result":
		s.count(e.Stats.Input, e.Stats.Output)
		if e.Status == "error" {
			why := plain(e.Error)
			s.note("error", why)
			s.fail(why)
		}
	default:
		return false
	}
	return understood
}

func (s *story) geminiMessage(e geminiEvent) {
	switch {
	case e.Role != "assistant": // an echo of the prompt
	case e.Delta:
		s.raw([]byte(e.Content))
		s.more(e.Content)
	default:
		s.say(e.Content)
		s.answer(e.Content)
	}
}
