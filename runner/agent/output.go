package agent

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
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
	// How much of a line is looked at for progress, and how many characters are shown of it.
	maxLooked = 4 << 10
	maxShown  = 200
)

// output turns what an agent prints into a transcript that a person can read, and the facts
// that its events state, in bounded memory.
type output struct {
	mu   sync.Mutex // stdout and stderr come at the same time
	hide hiding
	read func(o *output, e event) (known bool) // nil for plain text
	held []byte                                // the beginning of a line of stdout
	long bool                                  // which is too long to hold, and has been passed on

	pending    []byte // of the transcript, as yet unwritten
	open       bool   // the transcript's last line may go on
	masked     *process.Masker
	transcript *process.Buffer
	line       []byte // the last line of the transcript, as far as it is looked at
	progress   func(line string)

	said      string // last, in one piece
	final     string // what may be the last word
	model     string
	cost      float64 // USD
	in, out   int64   // tokens
	denied    int
	done      bool   // the last event was a result
	failed    bool   // the agent says so
	complaint string // why
}

// newOutput begins to read output of that form. Progress may be nil.
func newOutput(form spec.AgentOutput, h hiding, progress func(line string)) *output {
	o := &output{hide: h, progress: progress, transcript: process.NewBuffer(keepHead, keepTail)}
	o.masked = process.NewMasker(sink(o.keep), h.secrets)
	o.read = map[spec.AgentOutput]func(o *output, e event) bool{
		spec.OutputClaude: readClaude, spec.OutputCodex: readCodex, spec.OutputGemini: readGemini, spec.OutputOpencode: readOpencode,
	}[form]
	return o
}

// connect lets c print here. Events are read from stdout alone. Printed is called after every
// piece of output.
func (o *output) connect(c *process.Command, printed func(done bool)) {
	to := func(write func(p []byte)) sink {
		return func(p []byte) {
			o.mu.Lock()
			defer o.mu.Unlock()
			write(p)
			o.flush()
			printed(o.done)
		}
	}
	if c.Output = to(o.raw); o.read != nil {
		c.Output, c.Errors = to(o.lines), to(o.raw)
	}
}

// close ends the output. Nothing may be written any more.
func (o *output) close() {
	o.event(o.held)
	o.flush()
	_ = o.masked.Close() // as its sink, it never fails
}

// sink is an io.Writer whose writes never fail.
type sink func(p []byte)

func (s sink) Write(p []byte) (int, error) {
	s(p)
	return len(p), nil
}

// lines cuts stdout into lines, and reads each as an event.
func (o *output) lines(p []byte) {
	for piece := range bytes.SplitAfterSeq(p, []byte("\n")) {
		o.held = append(o.held, piece...)
		ended := bytes.HasSuffix(piece, []byte("\n"))
		switch {
		case o.long || len(o.held) > maxLine:
			o.raw(o.held)
			o.long = !ended
		case ended:
			o.event(o.held)
		default:
			continue
		}
		o.held = o.held[:0]
	}
}

// event reads a line, and adds it to the transcript as it is if it is no known event.
func (o *output) event(line []byte) {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(line) == 0 {
		return
	}
	e, ok := parseEvent(line)
	if !ok || !o.read(o, e) {
		o.add(string(line))
		return
	}
	o.done = e.isResult()
}

// raw adds text as it came.
func (o *output) raw(p []byte) {
	if len(p) > 0 {
		o.pending = append(o.pending, p...)
		o.open = p[len(p)-1] != '\n'
	}
}

// add adds text that has lines of its own.
func (o *output) add(text string) {
	if o.open {
		o.raw([]byte("\n"))
	}
	o.raw([]byte(text))
	if o.open {
		o.raw([]byte("\n"))
	}
}

// flush writes what is pending in one piece, since looking for secrets in many small ones
// is slow.
func (o *output) flush() {
	_, _ = o.masked.Write(o.pending) // as its sink, it never fails
	o.pending = o.pending[:0]
}

// keep keeps a part of the transcript, and tells the last line with anything on it.
func (o *output) keep(p []byte) {
	_, _ = o.transcript.Write(p) // a buffer's writes never fail
	if o.progress == nil {
		return
	}
	var last string
	for piece := range bytes.SplitAfterSeq(p, []byte("\n")) {
		o.line = append(o.line, piece[:min(len(piece), maxLooked-len(o.line))]...)
		if len(bytes.TrimSpace(o.line)) > 0 {
			last = string(o.line)
		}
		if bytes.HasSuffix(piece, []byte("\n")) {
			o.line = o.line[:0]
		}
	}
	if last = oneLine(ansi.Strip(process.MaskText(last, nil, o.hide.patterns))); last != "" {
		o.progress(last)
	}
}

// say adds the agent's words.
func (o *output) say(text string) {
	o.said = text
	o.add(text)
}

// conclude adds the agent's words, which may be its last.
func (o *output) conclude(text string) {
	o.say(text)
	o.final = ""
	o.more(text)
}

// more goes on with what may be the agent's last words. Twice as much as is kept is enough
// to find the secrets in that.
func (o *output) more(text string) {
	o.final += text[:min(len(text), max(2*keepFinal-len(o.final), 0))]
}

// tool adds a line about a tool that the agent uses.
func (o *output) tool(name string, input any) {
	o.note("tool", strings.TrimSuffix(name+": "+gist(input), ": "))
}

// note adds a line about something that is not the agent's words.
func (o *output) note(kind, text string) {
	// Hidden before it is cut, as half a secret would not be known again.
	o.add("[" + kind + "] " + oneLine(o.hide.text(text)))
}

// fail records that the agent says that it failed, and why.
func (o *output) fail(why string) {
	o.note("error", why)
	o.failed, o.complaint = true, why
}

// count adds tokens and USD. What is no number of them is ignored.
func (o *output) count(in, out, usd float64) {
	const most = 1 << 53 // more would not survive JSON
	o.in += int64(min(max(in, 0), float64(most-o.in)))
	o.out += int64(min(max(out, 0), float64(most-o.out)))
	if sum := o.cost + usd; usd > 0 && !math.IsInf(sum, 0) {
		o.cost = sum
	}
}

// hiding is what must not be shown or kept.
type hiding struct {
	secrets  []string
	patterns []*regexp.Regexp
}

// hide adds to the secrets the way that they look inside JSON, since a line
// that is not understood is kept as it is.
func hide(secrets []string, patterns []*regexp.Regexp) hiding {
	all := slices.Clone(secrets)
	for _, s := range secrets {
		all = append(all, strings.Trim(toJSON(s), `"`))
	}
	return hiding{secrets: all, patterns: patterns}
}

// toJSON gives a value as JSON, with no more escapes than there have to be.
func toJSON(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // what was read from JSON can be written
	return strings.TrimSuffix(text.String(), "\n")
}

// text gives s with everything that is to be hidden replaced.
func (h hiding) text(s string) string { return process.MaskText(s, h.secrets, h.patterns) }

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
