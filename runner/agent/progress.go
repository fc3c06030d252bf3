package agent

import (
	"bytes"

	"github.com/charmbracelet/x/ansi"
)

// maxLooked is how much of a line is looked at for progress.
const maxLooked = 4 << 10

// ticker is an io.Writer that tells the last line with anything on it of what
// is written to it. It never waits for whoever listens: lines that come faster
// than they are taken are passed over, but for the last. Its writes never fail.
type ticker struct {
	line []byte      // the last one, as yet
	next chan string // has room for one line; only write puts one there
	done chan struct{}
}

// newTicker starts to tell: one goroutine calls tell with every line, cleaned,
// as long as close has not returned.
func newTicker(h hiding, tell func(line string)) *ticker {
	t := &ticker{next: make(chan string, 1), done: make(chan struct{})}
	go func() {
		defer close(t.done)
		for line := range t.next {
			if line = oneLine(ansi.Strip(h.byPattern(line))); line != "" {
				tell(line)
			}
		}
	}()
	return t
}

// Write takes a piece of text.
func (t *ticker) Write(p []byte) (int, error) {
	var last []byte
	for rest, ended := p, true; ended; {
		var line []byte
		line, rest, ended = bytes.Cut(rest, []byte("\n"))
		t.line = append(t.line, line[:min(len(line), maxLooked-len(t.line))]...)
		if len(bytes.TrimSpace(t.line)) > 0 {
			last = append(last[:0], t.line...)
		}
		if ended {
			t.line = t.line[:0]
		}
	}
	if last != nil {
		select {
		case <-t.next:
		default:
		}
		t.next <- string(last)
	}
	return len(p), nil
}

// close returns when the last line is told.
func (t *ticker) close() {
	close(t.next)
	<-t.done
}
