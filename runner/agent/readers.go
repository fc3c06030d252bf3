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
func readClaude(o *output, e event) bool {
	switch e.text("type") {
	case "system":
		o.model = cmp.Or(o.model, e.text("model"))
	case "assistant":
		o.model = cmp.Or(o.model, e.text("message.model"))
		if text := e.text("message.content"); text != "" {
			o.say(text)
		}
		for _, block := range e.list("message.content") {
			switch block.text("type") {
			case "text":
				o.say(block.text("text"))
			case "tool_use", "server_tool_use":
				o.tool(block.text("name"), block.value("input"))
			}
		}
	case "user": // what the tools gave, or an echo of the prompt
		for _, block := range e.list("message.content") {
			if block.is("is_error") {
				o.note("tool failed", plain(block.value("content")))
			}
		}
	case "thinking":
	case "tool_call": // Cursor's, with one entry, such as "shellToolCall"
		calls, _ := e.value("tool_call").(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(calls)) {
			call, _ := calls[name].(map[string]any)
			if e.text("subtype") == "started" {
				o.tool(strings.TrimSuffix(name, "ToolCall"), call["args"])
			}
			if event(call).value("result.rejected") != nil || event(call).value("result.permissionDenied") != nil {
				o.denied++
			}
		}
	case "result":
		said := e.text("result")
		if said != "" && said != o.said {
			o.say(said)
		}
		o.final = ""
		o.more(said)
		in := e.number("usage.input_tokens") + e.number("usage.cache_creation_input_tokens") + e.number("usage.cache_read_input_tokens")
		o.count(in, e.number("usage.output_tokens"), e.number("total_cost_usd"))
		o.denied += len(e.list("permission_denials"))
		// An error may say "success", and "error_max_turns" may come without is_error.
		o.failed, o.complaint = false, "" // the result of a turn before does not count
		if kind := e.text("subtype"); e.is("is_error") || strings.HasPrefix(kind, "error") {
			o.failed, o.complaint = true, cmp.Or(plain(e.value("error")), said, kind)
		}
	default:
		return false
	}
	return true
}

// readCodex reads "codex exec --json".
func readCodex(o *output, e event) bool {
	status := e.text("item.status")
	switch kind := e.text("type"); strings.TrimSuffix(kind+" "+e.text("item.type"), " ") {
	case "item.started command_execution": // what takes its time
		o.note("tool", "shell: "+e.text("item.command"))
	case "item.started mcp_tool_call":
		o.tool(e.text("item.server")+"."+e.text("item.tool"), e.value("item.arguments"))
	case "item.completed agent_message":
		o.conclude(e.text("item.text"))
	case "item.completed command_execution", "item.completed mcp_tool_call":
		if status == "failed" || status == "declined" {
			why := cmp.Or(e.text("item.aggregated_output"), plain(e.value("item.error")), e.text("item.command"), e.text("item.tool"))
			o.note("tool "+status, why)
		}
	case "item.completed file_change":
		var changes []string
		for _, c := range e.list("item.changes") {
			changes = append(changes, c.text("kind")+" "+c.text("path"))
		}
		o.note("tool", "edit: "+strings.Join(changes, ", "))
	case "item.completed web_search":
		o.note("tool", "search: "+e.text("item.query"))
	case "item.completed error": // a warning
		o.note("error", e.text("item.message"))
	case "turn.completed":
		o.count(e.number("usage.input_tokens"), e.number("usage.output_tokens"), 0)
		o.failed, o.complaint = false, "" // errors before, such as lost connections, were mended
	case "turn.failed", "error":
		o.fail(cmp.Or(plain(e.value("error")), e.text("message"), o.complaint))
	case "thread.started", "turn.started", "item.completed reasoning", "item.completed todo_list":
	default:
		return kind == "item.started" || kind == "item.updated"
	}
	if status == "declined" {
		o.denied++
	}
	return true
}

// readGemini reads "gemini --output-format stream-json".
func readGemini(o *output, e event) bool {
	switch e.text("type") {
	case "init":
		o.model = e.text("model")
	case "message":
		switch text := e.text("content"); {
		case e.text("role") != "assistant": // an echo of the prompt
		case e.is("delta"): // it goes on with the last one's
			o.raw([]byte(text))
			o.more(text)
		default:
			o.conclude(text)
		}
	case "tool_use":
		o.final = "" // what was said before was not the last word
		o.tool(e.text("tool_name"), e.value("parameters"))
	case "tool_result":
		if e.text("status") == "error" {
			o.note("tool failed", cmp.Or(plain(e.value("error")), plain(e.value("output"))))
		}
	case "error": // the agent goes on after it
		o.note("error", e.text("message"))
	case "result":
		o.count(e.number("stats.input_tokens"), e.number("stats.output_tokens"), 0)
		if e.text("status") == "error" {
			o.fail(plain(e.value("error")))
		}
	default:
		return false
	}
	return true
}

// readOpencode reads "opencode run --format json".
func readOpencode(o *output, e event) bool {
	switch e.text("type") {
	case "step_start", "reasoning":
	case "text":
		o.conclude(e.text("part.text"))
	case "tool_use": // reported when it is over
		o.tool(e.text("part.tool"), e.value("part.state.input"))
		if e.text("part.state.status") == "error" {
			o.note("tool failed", plain(e.value("part.state.error")))
		}
	case "step_finish":
		in := e.number("part.tokens.input") + e.number("part.tokens.cache.read") + e.number("part.tokens.cache.write")
		o.count(in, e.number("part.tokens.output")+e.number("part.tokens.reasoning"), e.number("part.cost"))
	case "error":
		o.fail(cmp.Or(e.text("error.data.message"), e.text("error.name")))
	default:
		return false
	}
	return true
}

// event is a line of an agent's output: a JSON object.
type event map[string]any

// parseEvent is false where the line is something else.
func parseEvent(line []byte) (e event, ok bool) {
	ok = bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("{")) && utf8.Valid(line) && json.Unmarshal(line, &e) == nil
	return e, ok
}

// isResult tells whether the agent is done, if no other event follows. The result of an
// error may lack what only a success has, so it is known by its kind alone.
func (e event) isResult() bool {
	switch e.text("type") {
	case "result", "turn.completed", "turn.failed":
		return true
	}
	return e.text("type") == "step_finish" && e.text("part.reason") == "stop"
}

// value returns what is at a path such as "message.model"; nil where nothing is.
func (e event) value(path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return e[name]
	}
	inner, _ := e[name].(map[string]any)
	return event(inner).value(rest)
}

// text, number and is return a value of that type; zero where it is of another.
func (e event) text(path string) string    { return as[string](e.value(path)) }
func (e event) number(path string) float64 { return as[float64](e.value(path)) }
func (e event) is(path string) bool        { return as[bool](e.value(path)) }

// list returns the elements of a list; nil for one that is no object.
func (e event) list(path string) []event {
	var list []event
	for _, element := range as[[]any](e.value(path)) {
		list = append(list, as[map[string]any](element))
	}
	return list
}

func as[T any](value any) T {
	t, _ := value.(T)
	return t
}

// gist gives the argument that tells best what a tool was used for; all of
// them where none is known.
func gist(input any) string {
	arguments := event(as[map[string]any](input))
	for _, name := range []string{
		"command", "cmd", "file_path", "filePath", "path", "dir_path", "pattern", "query", "url", "description", "prompt",
	} {
		if text := plain(arguments.value(name)); text != "" {
			return text
		}
	}
	if as[map[string]any](input) != nil && len(arguments) == 0 {
		return ""
	}
	return plain(input)
}

// plain gives the text of a JSON value: of a string, of a list of blocks that
// hold text, or of an object with a message; else the value as it stands, but
// nothing for null.
func plain(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		if message := event(v).text("message"); message != "" {
			return message
		}
	case []any:
		var texts []string
		for _, block := range (event{"": v}).list("") {
			texts = append(texts, block.text("text"))
		}
		if text := strings.Join(texts, "\n"); strings.TrimSpace(text) != "" {
			return text
		}
	}
	return toJSON(value)
}
