package agent

import (
	"cmp"
	"encoding/json"
)

// opencodeEvent is a line of "opencode run --format json".
type opencodeEvent struct {
	Type  string `json:"type"`
	Error struct {
		Name string `json:"name"`
		Data struct {
			Message string `json:"message"`
		} `json:"data"`
	} `json:"error"`
	Part struct {
		Text  string `json:"text"`
		Tool  string `json:"tool"`
		State struct {
			Status string          `json:"status"`
			Input  json.RawMessage `json:"input"`
			Error  json.RawMessage `json:"error"`
		} `json:"state"`
		Cost   float64 `json:"cost"`
		Tokens struct {
			Input     int64 `json:"input"`
			Output    int64 `json:"output"`
			Reasoning int64 `json:"reasoning"`
			Cache     struct {
				Read  int64 `json:"read"`
				Write int64 `json:"write"`
			} `json:"cache"`
		} `json:"tokens"`
	} `json:"part"`
}

func readOpencode(s *story, line []byte) bool {
	var e opencodeEvent
	understood := decode(line, &e)
	switch e.Type {
	case "step_start", "reasoning":
	case "text":
		s.say(e.Part.Text)
		s.answer(e.Part.Text)
	case "tool_use": // told when it is over
		s.tool(e.Part.Tool, e.Part.State.Input)
		if e.Part.State.Status == "error" {
			s.note("tool failed", plain(e.Part.State.Error))
		}
	case "step_finish":
		tokens := e.Part.Tokens
		s.spend(e.Part.Cost)
		s.count(tokens.Input+tokens.Cache.Read+tokens.Cache.Write, tokens.Output+tokens.Reasoning)
	case "error":
		why := cmp.Or(e.Error.Data.Message, e.Error.Name)
		s.note("error", why)
		s.fail(why)
	default:
		return false
	}
	return understood
}
