package cmd

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"chant/spec"
)

// clean makes text from files and commands safe to show on one line: it applies
// spec.Visible, and shows tabs as blanks and newlines as ^J.
func clean(s string) string {
	return strings.NewReplacer("\t", "    ", "\n", "^J").Replace(spec.Visible(s))
}

// escapeJSON does the same for encoded JSON, whose strings can contain any
// character except C0 controls. It writes the characters as \uXXXX.
func escapeJSON(encoded string) string {
	if spec.Visible(encoded) == encoded {
		return encoded
	}
	var b strings.Builder
	for _, r := range encoded {
		if r != 0x7F && !spec.Deceptive(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) { // RFC 8259, section 7
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// cleanLines cleans a text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}
