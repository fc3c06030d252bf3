package agent

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"

	"chant/runner/process"
	"chant/spec"
)

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
		// A string always encodes, and a buffer takes all.
		_ = encoder.Encode(s)
		all = append(all, strings.Trim(quoted.String(), "\"\n"))
	}
	return hiding{secrets: all, patterns: patterns}
}

// text gives s with everything that is to be hidden replaced.
func (h hiding) text(s string) string {
	all := newExcerpt(h, len(s), 0, nil)
	all.write([]byte(s))
	all.end()
	return all.text()
}

// byPattern gives s with what a pattern matches replaced.
func (h hiding) byPattern(s string) string {
	for _, re := range h.patterns {
		s = re.ReplaceAllString(s, "***")
	}
	return s
}

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

func (e *excerpt) write(p []byte) {
	// The buffer's writes never fail.
	_, _ = e.masked.Write(p)
}

// end ends the text: what was held back, since it might have become a secret,
// is written.
func (e *excerpt) end() {
	_ = e.masked.Close() // as above
}

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
