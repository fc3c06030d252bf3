package agent

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chant/runner/process"
	"chant/runner/record"
	"chant/spec"
)

const (
	// How much of what an agent says is kept; all of it is digested.
	keepHead  = 64 << 10
	keepTail  = 192 << 10
	keepFinal = 64 << 10
	// The longest line that is read as an event, enough for one with a picture. A longer
	// one is text, in pieces of about this size.
	maxLine   = 8 << 20
	maxLooked = 4 << 10 // of the transcript's end, for progress
	maxShown  = 200     // characters of a line about a tool or of progress
)

// listener turns an agent's output into a transcript that a person can read, in the order
// told, and into facts. It takes bounded memory.
type listener struct {
	job     Job
	mask    func(text string) string // hides what must not be kept or shown
	silence *time.Timer              // fires when the agent has been silent for too long
	mu      sync.Mutex               // stdout and stderr come at the same time
	streams []*stream                // the two of them, if they are read in lines

	kept   *process.Buffer // the transcript, masked
	recent *process.Buffer // its end
	masker *process.Masker // writes to both
	text   *bufio.Writer   // writes to masker, which is slow with many small pieces
	open   bool            // the transcript's last line may go on

	told      record.AgentResult // what the agent says of its model, its cost and so on
	final     []byte             // its last words
	done      bool               // its last event was a result
	failed    bool               // it says so
	complaint string             // why
}

// listen takes the output of c, which runs the job, and sets silence back with what it hears.
func listen(job Job, c *process.Command, silence *time.Timer) *listener {
	secrets := slices.Clone(job.Secrets)
	for _, s := range job.Secrets { // as it looks inside JSON, since what is not understood is kept as it is
		quoted := compact(s)
		secrets = append(secrets, quoted[1:len(quoted)-1])
	}
	l := &listener{job: job, silence: silence, kept: process.NewBuffer(keepHead, keepTail), recent: process.NewBuffer(0, maxLooked)}
	l.mask = func(text string) string { return process.MaskText(text, secrets, job.Patterns) }
	l.masker = process.NewMasker(io.MultiWriter(l.kept, l.recent), secrets)
	l.text = bufio.NewWriter(l.masker)
	if form := job.Agent.Output; form == "" || form == spec.OutputText {
		c.Output = &stream{to: l, take: l.add} // stderr, too: one stream, as a terminal shows it
		return l
	}
	// Events are read from stdout alone, where nothing of stderr can come in between.
	l.streams = []*stream{{to: l, take: l.event, lines: true}, {to: l, take: l.line, lines: true}}
	c.Output, c.Errors = l.streams[0], l.streams[1]
	return l
}

// stream is an io.Writer for an agent's output. Its writes never fail.
type stream struct {
	to    *listener
	take  func(p []byte)
	lines bool   // take wants whole lines
	held  []byte // the beginning of a line
}

// Write takes a piece of output.
func (s *stream) Write(p []byte) (int, error) {
	l := s.to
	l.mu.Lock()
	defer l.mu.Unlock()
	wasDone := l.done
	for piece := range bytes.SplitAfterSeq(p, []byte("\n")) {
		s.held = append(s.held, piece...)
		if !s.lines || bytes.HasSuffix(piece, []byte("\n")) || len(s.held) > maxLine {
			s.take(s.held)
			s.held = s.held[:0]
		}
	}
	_ = l.text.Flush() // a buffer's writes never fail
	l.tell()
	switch idle := l.job.Agent.IdleTimeout; {
	case !l.done:
		l.silence.Reset(idle)
	case !wasDone: // it has a moment to exit, whatever it prints that is no event
		l.silence.Reset(min(idle, resultGrace))
	}
	return len(p), nil
}

// close ends the output and returns what the agent told. Nothing may be written any more.
func (l *listener) close() record.AgentResult {
	for _, s := range l.streams {
		s.take(s.held) // a line without an end
	}
	_, _ = l.text.Flush(), l.masker.Close() // a buffer's writes never fail
	l.tell()
	final := process.NewBuffer(keepFinal, 0)
	_, _ = final.Write([]byte(l.mask(string(l.final)))) // as above
	l.told.FinalText = readable(final.String())
	l.told.Transcript = readable(l.mask(l.kept.String()))
	l.told.OutputDigest = l.kept.Sum()
	l.told.ModelReported = oneLine(l.mask(l.told.ModelReported))
	return l.told
}

// tell passes on the last line with anything on it.
func (l *listener) tell() {
	if l.job.Progress == nil {
		return
	}
	text := strings.TrimSpace(l.recent.String())
	line := text[strings.LastIndexByte(text, '\n')+1:]
	if line = oneLine(ansi.Strip(l.mask(line))); line != "" {
		l.job.Progress(line)
	}
}

// add adds text as it came.
func (l *listener) add(p []byte) {
	if len(p) > 0 {
		_, _ = l.text.Write(p) // a buffer's writes never fail
		l.open = p[len(p)-1] != '\n'
	}
}

// line adds text that has lines of its own.
func (l *listener) line(p []byte) {
	if l.open {
		l.add([]byte("\n"))
	}
	l.add(p)
	if l.open {
		l.add([]byte("\n"))
	}
}

// note adds a line about something that is not the agent's words.
func (l *listener) note(kind, text string) {
	// Hidden before it is cut, as half a secret would not be known again.
	l.line([]byte("[" + kind + "] " + oneLine(l.mask(text))))
}

// readable gives a text of several lines that can go into any file and onto any
// terminal.
func readable(s string) string { return spec.Visible(strings.ReplaceAll(s, "\r\n", "\n")) }

// oneLine gives s on one line that is not too long to show.
func oneLine(s string) string {
	short := []rune(spec.Visible(strings.Join(strings.Fields(s), " ")))
	if len(short) > maxShown {
		return string(short[:maxShown-1]) + "…"
	}
	return string(short)
}
