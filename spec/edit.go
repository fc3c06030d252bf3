package spec

import (
	"bytes"
	"fmt"
	"strings"
)

// SetTicks ticks (true) or unticks (false) criteria by their Number. It changes
// only the character between a box's brackets, and leaves the "X" of a ticked
// box. An unknown number is an error.
func SetTicks(src []byte, ticks map[int]bool) ([]byte, error) {
	sp, _ := Parse("", src)
	out := bytes.Clone(src)
	for number, tick := range ticks {
		if number < 1 || number > len(sp.Criteria) {
			return nil, fmt.Errorf("ticking criterion %d: the spec has %d criteria", number, len(sp.Criteria))
		}
		c := sp.Criteria[number-1]
		switch {
		case tick && !c.Ticked:
			out[c.mark] = 'x'
		case !tick && c.Ticked:
			out[c.mark] = ' '
		}
	}
	return out, nil
}

// lineEnding returns the line ending of the file's first line.
func lineEnding(src []byte) string {
	if line, _, found := bytes.Cut(src, []byte("\n")); found && bytes.HasSuffix(line, []byte("\r")) {
		return "\r\n"
	}
	return "\n"
}

// withEnding converts all line endings of text.
func withEnding(text, ending string) string {
	return strings.NewReplacer("\r\n", ending, "\n", ending).Replace(text)
}
