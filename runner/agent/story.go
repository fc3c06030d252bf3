package agent

import (
	"encoding/json"
	"math"
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

// line adds text that has a line, or several, of its own.
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
	s.final = newExcerpt(s.hide, keepFinal, 0, nil)
	s.more(text)
}

func (s *story) more(text string) {
	if s.final == nil {
		s.answer(text)
		return
	}
	s.final.write([]byte(text))
}

// tool adds a line about a tool that the agent uses.
func (s *story) tool(name string, input json.RawMessage) {
	if about := gist(input); about != "" {
		name += ": " + about
	}
	s.note("tool", name)
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
	s.failed = true
	if why != "" {
		s.complaint = why
	}
}

// spend adds to the cost in USD. What is no amount is ignored.
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
	if cap(s.pending) > maxStray {
		s.pending = nil
	}
}

// end ends the transcript and the last word.
func (s *story) end() {
	s.flush()
	s.transcript.end()
	if s.final != nil {
		s.final.end()
	}
}
