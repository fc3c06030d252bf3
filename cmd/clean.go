package cmd

import (
	"fmt"
	"strings"

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
		switch {
		case r == 0x7F || spec.Deceptive(r) && r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04x`, r)
		case spec.Deceptive(r):
			high, low := (r-0x10000)>>10+0xD800, (r-0x10000)&0x3FF+0xDC00 // UTF-16 surrogates, RFC 8259 section 7
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			b.WriteRune(r)
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
