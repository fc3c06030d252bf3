package agent

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// readClaude reads "claude --output-format stream-json", and what Amp and Cursor print
// in its likeness.
func readClaude(s *story, e *event) bool {
	switch e.text("type") {
	case "system":
		s.modelled(e.text("model"))
	case "assistant":
		s.modelled(e.text("message.model"))
		return readBlocks(s, e)
	case "user": // what the tools gave, or an echo of the prompt
		var blocks []object
		_ = json.Unmarshal(e.value("message.content"), &blocks) // a text is an echo
		for _, fields := range blocks {
			if b := (&event{fields: fields}); b.is("is_error") {
				s.note("tool failed", plain(b.value("content")))
			}
		}
	case "thinking":
	case "tool_call":
		readCursorTool(s, e)
	case "result":
		said := e.text("result")
		s.answer(said)
		if said != "" && said != s.said {
			s.say(said)
		}
		s.spend(e.number("total_cost_usd"))
		in := e.number("usage.input_tokens") + e.number("usage.cache_creation_input_tokens") + e.number("usage.cache_read_input_tokens")
		s.count(in, e.number("usage.output_tokens"))
		s.denied += len(decode[[]json.RawMessage](e, e.value("permission_denials")))
		// An error may say "success", and "error_max_turns" may come without is_error.
		s.failed, s.complaint = false, "" // the result of a turn before does not count
		if kind := e.text("subtype"); e.is("is_error") || strings.HasPrefix(kind, "error") {
			s.failed, s.complaint = true, cmp.Or(plain(e.value("error")), said, kind)
		}
	default:
		return false
	}
	return true
}

// readBlocks adds what the agent says and does. It is false where a block is not known.
func readBlocks(s *story, e *event) (known bool) {
	content := e.value("message.content")
	var text string
	if json.Unmarshal(content, &text) == nil {
		s.say(text)
		return true
	}
	known = true
	for _, fields := range decode[[]object](e, content) {
		b := &event{fields: fields}
		switch b.text("type") {
		case "text":
			s.say(b.text("text"))
		case "tool_use", "server_tool_use":
			s.tool(b.text("name"), b.value("input"))
		case "thinking", "redacted_thinking":
		default:
			known = false
		}
		known = known && !b.odd
	}
	return known
}

// readCursorTool reads Cursor's tool_call, which has one entry, such as "shellToolCall".
func readCursorTool(s *story, e *event) {
	calls := decode[map[string]object](e, e.value("tool_call"))
	for _, key := range slices.Sorted(maps.Keys(calls)) {
		call := &event{fields: calls[key]}
		if e.text("subtype") == "started" {
			s.tool(strings.TrimSuffix(key, "ToolCall"), call.value("args"))
		}
		if call.value("result.rejected") != nil || call.value("result.permissionDenied") != nil {
			s.denied++
		}
	}
}

// readCodex reads "codex exec --json".
func readCodex(s *story, e *event) bool {
	status := e.text("item.status")
	switch kind := e.text("type"); strings.TrimSuffix(kind+" "+e.text("item.type"), " ") {
	case "item.started command_execution": // what takes its time
		s.note("tool", "shell: "+e.text("item.command"))
	case "item.started mcp_tool_call":
		s.tool(e.text("item.server")+"."+e.text("item.tool"), e.value("item.arguments"))
	case "item.completed agent_message":
		s.conclude(e.text("item.text"))
	case "item.completed command_execution", "item.completed mcp_tool_call":
		if status == "failed" || status == "declined" {
			why := cmp.Or(e.text("item.aggregated_output"), plain(e.value("item.error")), e.text("item.command"), e.text("item.tool"))
			s.note("tool "+status, why)
		}
	case "item.completed file_change":
		var changes []string
		for _, c := range decode[[]struct{ Kind, Path string }](e, e.value("item.changes")) {
			changes = append(changes, c.Kind+" "+c.Path)
		}
		s.note("tool", "edit: "+strings.Join(changes, ", "))
	case "item.completed web_search":
		s.note("tool", "search: "+e.text("item.query"))
	case "item.completed error": // a warning
		s.note("error", e.text("item.message"))
	case "turn.completed":
		s.count(e.number("usage.input_tokens"), e.number("usage.output_tokens"))
		s.failed, s.complaint = false, "" // errors before, such as lost connections, were mended
	case "turn.failed":
		s.fail(plain(e.value("error")))
	case "error":
		s.fail(e.text("message"))
	case "thread.started", "turn.started", "item.completed reasoning", "item.completed todo_list":
	default:
		return kind == "item.started" || kind == "item.updated"
	}
	if status == "declined" {
		s.denied++
	}
	return true
}

// readGemini reads "gemini --output-format stream-json".
func readGemini(s *story, e *event) bool {
	switch e.text("type") {
	case "init":
		s.modelled(e.text("model"))
	case "message":
		switch text := e.text("content"); {
		case e.text("role") != "assistant": // an echo of the prompt
		case e.is("delta"): // it goes on with the last one's
			s.raw([]byte(text))
			s.more(text)
		default:
			s.conclude(text)
		}
	case "tool_use":
		s.final = nil // what was said before was not the last word
		s.tool(e.text("tool_name"), e.value("parameters"))
	case "tool_result":
		if e.text("status") == "error" {
			s.note("tool failed", cmp.Or(plain(e.value("error")), plain(e.value("output"))))
		}
	case "error": // the agent goes on after it
		s.note("error", e.text("message"))
	case "result":
		s.count(e.number("stats.input_tokens"), e.number("stats.output_tokens"))
		if e.text("status") == "error" {
			s.fail(plain(e.value("error")))
		}
	default:
		return false
	}
	return true
}

// readOpencode reads "opencode run --format json".
func readOpencode(s *story, e *event) bool {
	switch e.text("type") {
	case "step_start", "reasoning":
	case "text":
		s.conclude(e.text("part.text"))
	case "tool_use": // reported when it is over
		s.tool(e.text("part.tool"), e.value("part.state.input"))
		if e.text("part.state.status") == "error" {
			s.note("tool failed", plain(e.value("part.state.error")))
		}
	case "step_finish":
		s.spend(e.number("part.cost"))
		in := e.number("part.tokens.input") + e.number("part.tokens.cache.read") + e.number("part.tokens.cache.write")
		s.count(in, e.number("part.tokens.output")+e.number("part.tokens.reasoning"))
	case "error":
		s.fail(cmp.Or(e.text("error.data.message"), e.text("error.name")))
	default:
		return false
	}
	return true
}

type object map[string]json.RawMessage

// event is a line of an agent's output: a JSON object.
type event struct {
	fields object
	odd    bool // a value was not of the type that was asked for
}

// parseEvent is false where the line is something else.
func parseEvent(line []byte) (*event, bool) {
	e := &event{}
	line = bytes.TrimLeft(line, " \t")
	return e, bytes.HasPrefix(line, []byte("{")) && utf8.Valid(line) && json.Unmarshal(line, &e.fields) == nil
}

// isResult tells whether the agent is done, if no other event follows. The result of an
// error may lack what only a success has, so it is known by its kind alone.
func (e *event) isResult() bool {
	switch e.text("type") {
	case "result", "turn.completed", "turn.failed":
		return true
	}
	return e.text("type") == "step_finish" && e.text("part.reason") == "stop"
}

// value returns what is at a path such as "message.model"; nil where nothing is.
func (e *event) value(path string) json.RawMessage {
	fields := e.fields
	for {
		name, rest, deeper := strings.Cut(path, ".")
		value := fields[name]
		if !deeper || value == nil {
			return value
		}
		fields, path = decode[object](e, value), rest
	}
}

// decode returns a value as a T, as far as it is one.
func decode[T any](e *event, value json.RawMessage) (as T) {
	if value != nil && json.Unmarshal(value, &as) != nil {
		e.odd = true
	}
	return as
}

func (e *event) text(path string) string    { return decode[string](e, e.value(path)) }
func (e *event) number(path string) float64 { return decode[float64](e, e.value(path)) }
func (e *event) is(path string) bool        { return decode[bool](e, e.value(path)) }

// gist gives the argument that tells best what a tool was used for; all of
// them where none is known.
func gist(input json.RawMessage) string {
	var arguments object
	if json.Unmarshal(input, &arguments) != nil {
		return plain(input)
	}
	for _, name := range []string{
		"command", "cmd", "file_path", "filePath", "path", "dir_path", "pattern", "query", "url", "description", "prompt",
	} {
		if text := plain(arguments[name]); text != "" {
			return text
		}
	}
	if len(arguments) == 0 {
		return ""
	}
	return string(input)
}

// plain gives the text of a JSON value: of a string, of a list of blocks that
// hold text, or of an object with a message; else the value as it stands, but
// nothing for null.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var blocks []struct{ Text string }
	if json.Unmarshal(value, &blocks) == nil {
		texts := make([]string, len(blocks))
		for i, b := range blocks {
			texts[i] = b.Text
		}
		return strings.Join(texts, "\n")
	}
	var object struct{ Message string }
	if json.Unmarshal(value, &object) == nil && object.Message != "" {
		return object.Message
	}
	return string(value)
}
