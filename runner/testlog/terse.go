package testlog

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
)

// Terse is an io.Writer that reads the output of go test -v, of any length, and writes what
// go test prints without -v, and the output of the tests themselves.
type Terse struct {
	event *regexp.Regexp
	line  []byte // as far as it was written
	rest  *bufio.Writer
}

// VerboseEvent returns the pattern of what -v adds to the end of a line.
func VerboseEvent() *regexp.Regexp {
	return regexp.MustCompile(` *(?:=== (?:RUN|PAUSE|CONT|NAME) +|--- (?:PASS|SKIP): )\S+(?: \(\d+\.\d\ds\))?\r?\n?$`)
}

// NewTerse returns a Terse that writes to rest. The event is that of VerboseEvent.
func NewTerse(event *regexp.Regexp, rest io.Writer) *Terse {
	return &Terse{event: event, rest: bufio.NewWriter(rest)}
}

// Write reads a piece of the output. The error is that of the underlying writer.
func (t *Terse) Write(p []byte) (int, error) {
	for text := range bytes.Lines(p) {
		t.line = append(t.line, text...)
		if text[len(text)-1] != '\n' && len(t.line) < longLine {
			break // it continues in the next piece
		}
		if err := t.endLine(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close reads the end of the output. It does not close the underlying writer.
func (t *Terse) Close() error {
	if err := t.endLine(); err != nil {
		return err
	}
	return t.rest.Flush()
}

func (t *Terse) endLine() error {
	if at := t.event.FindSubmatchIndex(t.line); at != nil {
		t.line = t.line[:at[0]]
	}
	_, err := t.rest.Write(t.line)
	t.line = t.line[:0]
	return err
}
