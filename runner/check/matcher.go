package check

import (
	"bufio"
	"io"
	"regexp"
)

// matcher looks for a regular expression in a stream of any length. It is an io.Writer that
// keeps nothing of the stream.
type matcher struct {
	in    *io.PipeWriter
	found chan bool
}

// newMatcher returns a matcher. A nil expression matches nothing.
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
		// Further writes get an error, so that the writer does not block.
		_ = out.Close() // closing an io.Pipe returns no error
	}()
	return m
}

// Write never fails.
func (m *matcher) Write(p []byte) (int, error) {
	if m.in == nil {
		return len(p), nil
	}
	if _, err := m.in.Write(p); err != nil {
		m.in = nil // found: the rest can't change that
	}
	return len(p), nil
}

// close ends the stream and reports whether the expression matched.
func (m *matcher) close() bool {
	if m.in != nil {
		_ = m.in.Close() // closing an io.Pipe returns no error
	}
	return <-m.found
}
