package spec

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible makes the text of a program safe to read: control characters, but
// for "\n" and "\t", become ^X or <U+XXXX>, so do characters that reorder or
// hide the text around them (CWE-150, CVE-2021-42574), and bytes that are no
// UTF-8 become U+FFFD. Made visible twice it is the same.
func Visible(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n', r == '\t':
			b.WriteRune(r)
		case r < ' ':
			b.WriteString("^" + string(r+'@'))
		case r == 0x7f:
			b.WriteString("^?")
		case Deceptive(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == utf8.RuneError || Deceptive(r)
}

// Deceptive tells whether a character outside ASCII acts on how the text around
// it looks and is not seen itself. Those from U+E0100 are variation selectors that no
// font knows.
func Deceptive(r rune) bool {
	return r >= 0x80 && (r >= 0xe0100 && r <= 0xe01ef ||
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point))
}
