package spec

import (
	"fmt"
	"strings"
	"unicode"
)

// Visible makes a text safe to show: control characters except "\n" and "\t",
// and characters that reorder or hide the text around them (CWE-150,
// CVE-2021-42574), become ^X or <U+XXXX>. Bytes that are not UTF-8 become
// U+FFFD. Visible is idempotent.
func Visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == 0x7f:
			b.WriteString("^?")
		case r < ' ' && r != '\n' && r != '\t':
			b.WriteString("^" + string(r+'@'))
		case Deceptive(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Deceptive reports whether a character outside ASCII is invisible itself but
// changes how the text around it looks. The range from U+E0100 holds variation
// selectors that no font supports.
func Deceptive(r rune) bool {
	return r >= 0x80 && (r >= 0xe0100 && r <= 0xe01ef ||
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point))
}
