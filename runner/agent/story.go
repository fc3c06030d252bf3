package agent

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"

	"chant/runner/process"
	"chant/spec"
)

// story is what an agent tells: a transcript that a person can read, in the
// order told, and the facts that its events state.
type story struct {
	hide       hiding
	transcript *excerpt
	pending    []byte // of the transcript, as yet unwritten
	open       bool   // the transcript's last line may go on

	said      string   // last, in one piece
	final     *excerpt // nil: there is none
	model     string
	cost      float64
	in, out   int64
	denied    int
	over      int    // which of the events is the result, if no other follows; else 0
	failed    bool   // the agent says so
	complaint string // why
}

// raw adds text as it came.
func (s *story) raw(p []byte) {
	if len(p) > 0 {
		s.pending = append(s.pending, p...)
		s.open = p[len(p)-1] != '\n'
	}
}

// line adds text that has lines of its own.
func (s *story) line(p []byte) {
	if s.open {
		s.raw([]byte("\n"))
	}
	s.raw(p)
	if s.open {
		s.raw([]byte("\n"))
	}
}

// say adds the agent's words.
func (s *story) say(text string) {
	s.said = text
	s.line([]byte(text))
}

// conclude adds the agent's words, which may be its last.
func (s *story) conclude(text string) {
	s.say(text)
	s.answer(text)
}

// answer makes text what the agent says in the end, as far as is known, and
// more goes on with it.
func (s *story) answer(text string) {
	s.final = nil
	s.more(text)
}

func (s *story) more(text string) {
	if s.final == nil {
		s.final = newExcerpt(s.hide, keepFinal, 0, nil)
	}
	s.final.write([]byte(text))
}

// tool adds a line about a tool that the agent uses.
func (s *story) tool(name string, input json.RawMessage) {
	s.note("tool", strings.TrimSuffix(name+": "+gist(input), ": "))
}

// note adds a line about something that is not the agent's words.
func (s *story) note(kind, text string) {
	// Hidden before it is cut, as half a secret would not be known again.
	s.line([]byte("[" + kind + "] " + oneLine(s.hide.text(text))))
}

// modelled records the first model that is reported.
func (s *story) modelled(model string) {
	if s.model == "" && model != "<synthetic>" { // of messages that the program made up
		s.model = model
	}
}

// fail records that the agent says that it failed.
func (s *story) fail(why string) {
	s.note("error", why)
	s.failed, s.complaint = true, cmp.Or(why, s.complaint)
}

// spend adds to the cost in USD.
func (s *story) spend(usd float64) {
	if sum := s.cost + usd; usd > 0 && !math.IsInf(sum, 0) {
		s.cost = sum
	}
}

// count adds tokens. What is no number of them is ignored.
func (s *story) count(in, out float64) {
	const most = 1 << 53 // more would not survive JSON
	s.in += int64(min(max(in, 0), float64(most-s.in)))
	s.out += int64(min(max(out, 0), float64(most-s.out)))
}

// flush writes what is pending to the transcript.
func (s *story) flush() {
	s.transcript.write(s.pending)
	s.pending = s.pending[:0]
}

// end ends the transcript and the last word.
func (s *story) end() {
	s.flush()
	s.transcript.end()
	if s.final != nil {
		s.final.end()
	}
}

// maxShown is the length in characters of the longest line about a tool or of
// progress.
const maxShown = 200

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
		var quoted bytes.Buffer
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(s) // a string always encodes, and a buffer takes all
		all = append(all, strings.Trim(quoted.String(), "\"\n"))
	}
	return hiding{secrets: all, patterns: patterns}
}

// text gives s with everything that is to be hidden replaced.
func (h hiding) text(s string) string { return process.MaskText(s, h.secrets, h.patterns) }

// byPattern gives s with what a pattern matches replaced.
func (h hiding) byPattern(s string) string { return process.MaskText(s, nil, h.patterns) }

// excerpt keeps the beginning and the end of a text without its secrets.
type excerpt struct {
	hide   hiding
	kept   *process.Buffer
	masked *process.Masker
}

// newExcerpt returns an excerpt of so many bytes; also gets all of the text
// without its secrets, and may be nil. Its writes must not fail.
func newExcerpt(h hiding, head, tail int, also io.Writer) *excerpt {
	kept := process.NewBuffer(head, tail)
	var out io.Writer = kept
	if also != nil {
		out = io.MultiWriter(kept, also)
	}
	return &excerpt{hide: h, kept: kept, masked: process.NewMasker(out, h.secrets)}
}

func (e *excerpt) write(p []byte) { _, _ = e.masked.Write(p) } // a buffer's writes never fail

// end writes what was held back, since it might have become a secret.
func (e *excerpt) end() { _ = e.masked.Close() } // as above

// text gives what was kept of a text that has ended, not yet made readable.
func (e *excerpt) text() string { return e.hide.byPattern(e.kept.String()) }

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
