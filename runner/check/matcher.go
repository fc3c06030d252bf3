package check

import (
	"bufio"
	"io"
	"regexp"
)

// A matcher looks for a regular expression in a stream of any length, holding
// none of it.
type matcher struct {
	in    *io.PipeWriter
	found chan bool
}

// newMatcher starts looking; a nil expression matches nothing and costs nothing.
func newMatcher(re *regexp.Regexp) *matcher {
	m := &matcher{found: make(chan bool, 1)}
	if re == nil {
		m.found <- false
		return m
	}
	out, in := io.Pipe()
	m.in = in
	go func() {
		found := re.MatchReader(bufio.NewReader(out))
		m.found <- found
		// The writer learns by the closed pipe that nobody reads on.
		_ = out.Close() // of a pipe in memory: it can't fail
	}()
	return m
}

// Write takes a piece of the stream; it never fails.
func (m *matcher) Write(p []byte) (int, error) {
	if m.in == nil {
		return len(p), nil
	}
	if _, err := m.in.Write(p); err != nil {
		m.in = nil // decided: the rest can't change it
	}
	return len(p), nil
}

// close ends the stream and tells whether the expression matched.
func (m *matcher) close() bool {
	if m.in != nil {
		_ = m.in.Close() // of a pipe in memory: it can't fail
	}
	return <-m.found
}
