package testlog

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"regexp"
	"slices"
)

// Verbose reads what go test -v tells of each test, in an output of any length.
// Tests of one name in two packages are one to it.
type Verbose struct {
	event   *regexp.Regexp
	line    []byte          // up to where it is written
	rest    *bufio.Writer   // gets the output without what -v adds to it
	Heard   bool            // -v was on
	running map[string]bool // true, or false where the test paused or ended
	Passed  map[string]bool
	failed  map[string]bool
	Skipped map[string]bool
}

// VerboseEvent finds what -v adds, at the end of a line.
func VerboseEvent() *regexp.Regexp {
	return regexp.MustCompile(` *(?:=== (RUN|PAUSE|CONT|NAME) +|--- (PASS|FAIL|SKIP): )(\S+)(?: \(\d+\.\d\ds\))?\r?\n?$`)
}

// NewVerbose gives one that hands on to rest what go test says without -v too.
// A test's own output is among it, also where that has no newline at its end.
func NewVerbose(event *regexp.Regexp, rest io.Writer) *Verbose {
	return &Verbose{event: event, rest: bufio.NewWriter(rest)}
}

// longLine is the length from which on a line is read in pieces.
const longLine = 64 << 10

// Write takes a piece of the output.
func (v *Verbose) Write(p []byte) (int, error) {
	for text := range bytes.Lines(p) {
		v.line = append(v.line, text...)
		if text[len(text)-1] != '\n' && len(v.line) < longLine {
			break // it goes on in the next piece
		}
		if err := v.endLine(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close takes the end of the output.
func (v *Verbose) Close() error {
	if err := v.endLine(); err != nil {
		return err
	}
	return v.rest.Flush()
}

func (v *Verbose) endLine() error {
	if at := v.event.FindSubmatchIndex(v.line); at != nil {
		found := v.event.FindSubmatch(v.line)
		course, end, name := string(found[1]), string(found[2]), string(found[3])
		v.note(course+end, name)
		if end != "FAIL" {
			v.line = v.line[:at[0]]
		}
	}
	_, err := v.rest.Write(v.line)
	v.line = v.line[:0]
	return err
}

func (v *Verbose) note(event, name string) {
	if v.running == nil { // most commands are no go test
		v.running, v.Passed, v.failed, v.Skipped = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	switch event {
	case "RUN", "CONT":
		v.Heard, v.running[name] = true, true
		return
	case "NAME": // the output that follows is the test's
		return
	case "PASS":
		v.Passed[name] = true
	case "FAIL":
		v.failed[name] = true
	case "SKIP":
		v.Skipped[name] = true
	}
	v.running[name] = false
}

// Failures lists the tests that failed, or that ran when the program ended.
func (v *Verbose) Failures() []string {
	names := map[string]bool{}
	maps.Copy(names, v.failed)
	for name, running := range v.running {
		if running {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
