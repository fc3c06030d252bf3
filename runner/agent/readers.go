package agent

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// event reads a line that should be an event, of any of the programs that are known: no two
// of them mean different things by the same. A line that is no known event is text.
func (l *listener) event(line []byte) {
	var e event
	// What is not UTF-8 stays as it is, or a secret in it would not be known again.
	if !utf8.Valid(line) || json.Unmarshal(line, &e) != nil || !l.read(e) {
		l.line(line)
		return
	}
	l.done = slices.Contains([]string{"result", "turn.completed", "turn.failed"}, e.text("type")) || e.text("part.reason") == "stop"
	l.told.ModelReported = cmp.Or(l.told.ModelReported, e.text("model", "message.model"))
	l.told.CostUSD += e.sum("total_cost_usd", "part.cost")
	l.told.TokensIn += int64(e.sum("usage.input_tokens", "usage.cache_creation_input_tokens", "usage.cache_read_input_tokens",
		"stats.input_tokens", "part.tokens.input", "part.tokens.cache.read", "part.tokens.cache.write"))
	l.told.TokensOut += int64(e.sum("usage.output_tokens", "stats.output_tokens", "part.tokens.output", "part.tokens.reasoning"))
	denials, _ := e.at("permission_denials").([]any)
	l.told.Denied += len(denials)
}

// read adds what an event tells to the transcript. It is false where its kind is not known.
func (l *listener) read(e event) (known bool) {
	switch e.text("type") {
	case "system", "init", "thinking", "reasoning", "thread.started", "turn.started", "step_start", "step_finish":
	case "assistant", "user": // Claude's, and so Amp's and Cursor's
		l.readBlocks(e)
	case "tool_call": // Cursor's
		l.readCall(e)
	case "item.started", "item.updated", "item.completed": // Codex's
		return l.readItem(e)
	case "message": // Gemini's: a piece of what it says, or an echo of the prompt
		if e.text("role") == "assistant" {
			l.sayMore(e.text("content"))
		}
	case "text": // OpenCode's
		l.say(e.text("part.text"))
	case "tool_use", "tool_result": // Gemini's, or OpenCode's, which is both
		if name := e.text("tool_name", "part.tool"); name != "" {
			l.tool(name, e.text("parameters", "part.state.input"))
		}
		if e.text("status", "part.state.status") == "error" {
			l.note("tool failed", e.text("error", "output", "part.state.error"))
		}
	case "error", "turn.failed": // after an error the agent may go on
		l.fail(e.text("error.data.message", "error", "message"))
	case "result", "turn.completed":
		l.readResult(e)
	default:
		return false
	}
	return true
}

// readResult reads how the agent says that it ended.
func (l *listener) readResult(e event) {
	said, kind := e.text("result"), e.text("subtype")
	if said != "" && said != string(l.final) {
		l.say(said)
	}
	l.failed, l.complaint = false, "" // what went wrong before was mended, or was in another turn
	// An error of Claude's may be a "success", and "error_max_turns" may come without is_error.
	if e.at("is_error") == true || strings.HasPrefix(kind, "error") || e.text("status") == "error" {
		l.fail(cmp.Or(e.text("error"), said, kind))
	}
}

// readBlocks reads what the agent says and does, and what its tools gave.
func (l *listener) readBlocks(e event) {
	blocks, isList := e.at("message.content").([]any)
	if !isList {
		blocks = []any{map[string]any{"type": "text", "text": e.text("message.content")}}
	}
	for _, b := range blocks {
		fields, _ := b.(map[string]any)
		switch block := event(fields); block.text("type") {
		case "text":
			if e.text("type") == "assistant" { // else it is an echo of the prompt
				l.say(block.text("text"))
			}
		case "tool_use", "server_tool_use":
			l.tool(block.text("name"), block.text("input"))
		case "tool_result":
			if block.at("is_error") == true {
				l.note("tool failed", block.text("content"))
			}
		case "thinking", "redacted_thinking":
		default:
			l.line([]byte(compact(b)))
		}
	}
}

// readCall reads Cursor's use of a tool, which is under a name such as "shellToolCall".
func (l *listener) readCall(e event) {
	calls, _ := e.at("tool_call").(map[string]any)
	for name := range calls {
		at := "tool_call." + name
		if e.text("subtype") == "started" {
			l.tool(strings.TrimSuffix(name, "ToolCall"), e.text(at+".args"))
		}
		if e.text(at+".result.rejected", at+".result.permissionDenied") != "" {
			l.told.Denied++
		}
	}
}

// readItem reads what Codex says and does. It is false where that is not known.
func (l *listener) readItem(e event) (known bool) {
	switch e.text("type") + " " + e.text("item.type") {
	case "item.started command_execution": // what takes its time
		l.tool("shell", e.text("item.command"))
	case "item.started mcp_tool_call":
		l.tool(e.text("item.server")+"."+e.text("item.tool"), e.text("item.arguments"))
	case "item.completed agent_message":
		l.say(e.text("item.text"))
	case "item.completed file_change":
		l.tool("edit", e.text("item.changes"))
	case "item.completed web_search":
		l.tool("search", e.text("item.query"))
	case "item.completed error": // a warning
		l.note("error", e.text("item.message"))
	case "item.completed command_execution", "item.completed mcp_tool_call", "item.completed reasoning", "item.completed todo_list":
	default:
		return e.text("type") != "item.completed"
	}
	if status := e.text("item.status"); status == "failed" || status == "declined" {
		l.note("tool "+status, e.text("item.aggregated_output", "item.error", "item.command", "item.tool"))
		if status == "declined" {
			l.told.Denied++
		}
	}
	return true
}

// say adds the agent's words, which may be its last.
func (l *listener) say(text string) {
	l.line([]byte(text))
	l.final = []byte(text)
}

// sayMore goes on with the agent's words.
func (l *listener) sayMore(text string) {
	l.add([]byte(text))
	l.final = append(l.final, text[:min(len(text), max(0, maxLine-len(l.final)))]...)
}

// tool adds a line about a tool that the agent uses. What it said before was not its last word.
func (l *listener) tool(name, input string) {
	l.note("tool", strings.TrimSuffix(name+": "+input, ": "))
	l.final = nil
}

// fail records that the agent says that it failed. It may have said why.
func (l *listener) fail(why string) {
	if why != string(l.final) {
		l.note("error", why)
	}
	l.failed, l.complaint = true, cmp.Or(why, l.complaint)
}

// event is a line of an agent's output: a JSON object.
type event map[string]any

// at returns what is at a path such as "message.model"; nil where nothing is.
func (e event) at(path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return e[name]
	}
	inner, _ := e[name].(map[string]any)
	return event(inner).at(rest)
}

// text returns the gist of the first of the paths where there is any.
func (e event) text(paths ...string) string {
	for _, path := range paths {
		if text := gist(e.at(path)); text != "" {
			return text
		}
	}
	return ""
}

// sum adds up numbers, as far as they survive JSON. One below 0 is none.
func (e event) sum(paths ...string) (total float64) {
	for _, path := range paths {
		n, _ := e.at(path).(float64)
		total += max(n, 0)
	}
	return min(total, 1<<53)
}

// gist returns a text. Of an object, such as the arguments of a tool or an error, it is the
// member that tells best what that is about, or JSON where none is known.
func gist(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		texts := make([]string, len(v))
		for i, element := range v {
			texts[i] = gist(element)
		}
		return strings.Join(texts, "\n")
	case map[string]any:
		for _, name := range []string{
			"message", "command", "cmd", "file_path", "filePath", "path", "dir_path", "pattern", "query", "url",
			"description", "prompt", "text", "name",
		} {
			if text := gist(v[name]); text != "" {
				return text
			}
		}
	}
	return compact(value)
}

// compact returns a value as JSON, in the way that most programs write it.
func compact(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // what was decoded encodes, and a buffer takes all
	return strings.TrimSuffix(text.String(), "\n")
}
