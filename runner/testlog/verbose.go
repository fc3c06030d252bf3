package testlog

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"regexp"
	"slices"
)

// Verbose is an io.Writer that reads the output of go test -v, of any length. It does not
// distinguish tests of the same name in different packages.
type Verbose struct {
	Heard   bool            // the output is of go test -v
	Passed  map[string]bool // tests, by name
	Skipped map[string]bool

	event   *regexp.Regexp
	line    []byte        // as far as it was written
	rest    *bufio.Writer // gets the output without the lines that -v adds
	failed  map[string]bool
	running map[string]bool // false if the test has paused or ended
}

// VerboseEvent returns the pattern of an event of go test -v, at the end of a line.
func VerboseEvent() *regexp.Regexp {
	return regexp.MustCompile(` *(?:=== (RUN|PAUSE|CONT|NAME) +|--- (PASS|FAIL|SKIP): )(\S+)(?: \(\d+\.\d\ds\))?\r?\n?$`)
}

// NewVerbose returns a Verbose that writes to rest what go test prints without -v, and the
// output of the tests themselves. The event is that of VerboseEvent.
func NewVerbose(event *regexp.Regexp, rest io.Writer) *Verbose {
	return &Verbose{event: event, rest: bufio.NewWriter(rest)}
}

// Write reads a piece of the output. The error is that of the underlying writer.
func (v *Verbose) Write(p []byte) (int, error) {
	for text := range bytes.Lines(p) {
		v.line = append(v.line, text...)
		if text[len(text)-1] != '\n' && len(v.line) < longLine {
			break // it continues in the next piece
		}
		if err := v.endLine(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close reads the end of the output. It does not close the underlying writer.
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
	if v.running == nil { // most commands do not run go test
		v.running, v.Passed, v.failed, v.Skipped = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	switch event {
	case "RUN", "CONT":
		v.Heard, v.running[name] = true, true
		return
	case "NAME": // output of this test follows
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

// Failures returns the names of the tests that failed, or that were running when the output ended, sorted.
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
