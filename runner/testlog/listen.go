package testlog

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// listener reads the output of one runner, line by line.
type listener interface {
	line(text string, d *draft)
	close(d *draft) // the output has ended
}

// lines is a listener that has nothing to do at the end.
type lines func(text string, d *draft)

func (l lines) line(text string, d *draft) { l(text, d) }
func (l lines) close(*draft)               {}

// Listener is an io.Writer that reads the output of a command, of any length, and finds
// the reports of test runners in it.
type Listener struct {
	listeners []listener
	drafts    []*draft
	text      []byte // the current line, as far as it was written
	n         int    // its number
}

// Listen returns a Listener for the output of one command.
func (rs Readers) Listen() *Listener {
	l := &Listener{}
	for _, r := range rs {
		l.listeners = append(l.listeners, r.listen())
		l.drafts = append(l.drafts, &draft{runner: r.Runner})
	}
	return l
}

// longLine is the length in bytes from which the rest of a line is not read, or is read by itself.
const longLine = 64 << 10

// Write reads a piece of the output. It never fails.
func (l *Listener) Write(p []byte) (int, error) {
	for text := range bytes.Lines(p) {
		l.text = append(l.text, text[:min(len(text), max(0, longLine-len(l.text)))]...)
		if text[len(text)-1] == '\n' {
			l.endLine()
		}
	}
	return len(p), nil
}

func (l *Listener) endLine() {
	text := plain(string(l.text))
	l.text = l.text[:0]
	l.n++
	ended := false
	for i, d := range l.drafts {
		d.n = l.n
		done := len(d.done)
		l.listeners[i].line(text, d)
		s := d.current()
		ended = ended || len(d.done) > done || s != nil && s.Ended && s.end == l.n
	}
	if ended {
		for _, d := range l.drafts {
			d.yield()
		}
	}
}

// startOfLine is the control sequence that moves the cursor to the first column.
const startOfLine = "\x1b[1G"

// plain returns a line as a terminal would show it at its end: without colours, and
// without what was written over.
func plain(line string) string {
	line = strings.TrimRight(line, "\r\n")
	if strings.Contains(line, "\x1b") {
		line = ansi.Strip(strings.ReplaceAll(line, startOfLine, "\r"))
	}
	return line[strings.LastIndexByte(line, '\r')+1:]
}

// Reports returns what was said, in the order of the ends. It must be called once, at the
// end of the output. A report that lies between the beginning and the end of another is
// left out: a test printed it.
func (l *Listener) Reports() []RunnerReport {
	if len(l.text) > 0 {
		l.endLine()
	}
	var spans []*span
	for i, d := range l.drafts {
		l.listeners[i].close(d)
		spans = append(spans, d.reports()...)
	}
	slices.SortStableFunc(spans, func(a, b *span) int { return cmp.Compare(a.end, b.end) })
	list := []RunnerReport{}
	for _, s := range spans {
		if !slices.ContainsFunc(spans, s.isInside) {
			list = append(list, s.RunnerReport)
		}
	}
	return list
}

func (s *span) isInside(outer *span) bool {
	return outer.begun && outer.Ended && outer.begin < s.begin && s.end < outer.end
}

// Reports returns what test runners say in the output of a command. If there are JUnit
// files, they decide alone.
func (rs Readers) Reports(output string, junit ...[]byte) ([]RunnerReport, error) {
	if len(junit) > 0 {
		return readJUnit(junit)
	}
	l := rs.Listen()
	_, _ = l.Write([]byte(output)) // it never fails
	return l.Reports(), nil
}

// compile returns the pattern of a line.
func compile(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }
