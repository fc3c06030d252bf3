package agent

import (
	"bytes"
	"io"
	"sync"

	"github.com/charmbracelet/x/ansi"

	"chant/runner/process"
	"chant/spec"
)

const (
	// How much of what an agent says is kept; all of it is digested.
	keepHead  = 64 << 10
	keepTail  = 192 << 10
	keepFinal = 64 << 10
	// The longest line that is read as an event, enough for one with a picture. A
	// longer one is passed on as it is, and so is what is no event.
	maxLine = 8 << 20
	// How much of a line that is no event is waited for, so that it is not mixed with others.
	maxStray = 64 << 10
	// How much of a line is looked at for progress.
	maxLooked = 4 << 10
)

// listener takes an agent's output and turns it into a transcript and facts, in
// bounded memory.
type listener struct {
	mu     sync.Mutex // stdout and stderr come at the same time
	story  *story
	ticker *ticker // nil where nobody follows
	out    *lines  // nil for plain text
	errs   *lines  // likewise
}

// listen begins to listen to output of that form.
func listen(form spec.AgentOutput, h hiding, progress func(string)) *listener {
	l := &listener{}
	var also io.Writer
	if progress != nil {
		l.ticker = newTicker(h, progress)
		also = l.ticker
	}
	l.story = &story{hide: h, transcript: newExcerpt(h, keepHead, keepTail, also)}
	events := 0
	readers := map[spec.AgentOutput]func(s *story, e *event) (known bool){
		spec.OutputClaude: readClaude, spec.OutputCodex: readCodex, spec.OutputGemini: readGemini, spec.OutputOpencode: readOpencode,
	}
	if read := readers[form]; read != nil {
		l.out = &lines{max: maxLine, part: l.story.raw, whole: func(line []byte) {
			e, ok := parseEvent(line)
			known := ok && read(l.story, e)
			if !known || e.odd {
				l.story.line(line)
			}
			if known {
				events++
				l.story.over = 0
				if e.isResult() {
					l.story.over = events
				}
			}
		}}
		l.errs = &lines{max: maxStray, part: l.story.raw, whole: l.story.line}
	}
	return l
}

// connect gives c the listener's ends. Events are read from stdout alone, where
// nothing of stderr can come in between; of plain text all is one stream, as a
// terminal would show it. Printed is called after every piece of output with the story's over.
func (l *listener) connect(c *process.Command, printed func(over int)) {
	to := func(write func(p []byte)) sink {
		return func(p []byte) {
			l.mu.Lock()
			defer l.mu.Unlock()
			write(p)
			l.story.flush() // in one piece, since looking for secrets in many small ones is slow
			printed(l.story.over)
		}
	}
	if l.out == nil {
		c.Output = to(l.story.raw)
		return
	}
	c.Output, c.Errors = to(l.out.write), to(l.errs.write)
}

// close ends the output and gives its story. Nothing may be written any more.
func (l *listener) close() *story {
	if l.out != nil {
		l.out.close()
		l.errs.close()
	}
	l.story.end()
	if l.ticker != nil {
		l.ticker.close()
	}
	return l.story
}

// sink is an io.Writer whose writes never fail.
type sink func(p []byte)

func (s sink) Write(p []byte) (int, error) {
	s(p)
	return len(p), nil
}

// lines cuts a stream into lines, without their ends. A line of more than max
// bytes is not held: it comes as parts, with its end.
type lines struct {
	max   int
	whole func(line []byte) // which it must not keep
	part  func(p []byte)

	held []byte // the beginning of a line
	over bool   // which is too long, and has been given
}

func (l *lines) write(p []byte) {
	for piece := range bytes.SplitAfterSeq(p, []byte("\n")) {
		l.held = append(l.held, piece...)
		ended := bytes.HasSuffix(piece, []byte("\n"))
		switch {
		case l.over || len(l.held) > l.max:
			l.part(l.held)
			l.over = !ended
		case ended:
			l.give(l.held)
		default:
			continue
		}
		l.held = l.held[:0]
	}
}

// close gives a last line that has no end.
func (l *lines) close() { l.give(l.held) }

// give gives a line, unless it is empty.
func (l *lines) give(line []byte) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 {
		l.whole(line)
	}
}

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
	for piece := range bytes.SplitAfterSeq(p, []byte("\n")) {
		line := bytes.TrimSuffix(piece, []byte("\n"))
		t.line = append(t.line, line[:min(len(line), maxLooked-len(t.line))]...)
		if len(bytes.TrimSpace(t.line)) > 0 {
			last = append(last[:0], t.line...)
		}
		if len(line) < len(piece) {
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
