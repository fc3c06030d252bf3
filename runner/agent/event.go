package agent

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

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
	ok := bytes.HasPrefix(line, []byte("{")) && utf8.Valid(line) && json.Unmarshal(line, &e.fields) == nil
	return e, ok
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

// sum adds up the numbers at paths.
func (e *event) sum(paths ...string) (sum float64) {
	for _, path := range paths {
		sum += e.number(path)
	}
	return sum
}

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
