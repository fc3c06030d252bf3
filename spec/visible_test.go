package spec

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                           "",
		"plain\n\théllo, 世界, 👍 <b>":  "plain\n\théllo, 世界, 👍 <b>",
		"\x1b[31mred\x1b[0m":         "^[[31mred^[[0m",
		"\x1b]0;title\x07":           "^[]0;title^G",
		"\x00\r\x1f\x7f":             "^@^M^_^?",
		"\u009b31m":                  "<U+009B>31m",
		"user\u202enimda\u2066":      "user<U+202E>nimda<U+2066>",
		"a\u200bb\ufeff\u00ad\u3164": "a<U+200B>b<U+FEFF><U+00AD><U+3164>",
		"line\u2028end\u2029":        "line<U+2028>end<U+2029>",
		"tag\U000E0041\U000E0100":    "tag<U+E0041><U+E0100>",
		"bad \xff\xc3 utf-8\xed\xa0": "bad \uFFFD\uFFFD utf-8\uFFFD\uFFFD",
	} {
		if got := Visible(in); got != want {
			t.Errorf("Visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	for _, seed := range []string{"a\x1b[2Jb", "\u202e\u0085\xff", "<U+202E>", "\U000E0001\u2060", "\r\n\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := Visible(in)
		if !utf8.ValidString(out) || strings.Count(out, "\n") != strings.Count(in, "\n") {
			t.Errorf("%q became %q", in, out)
		}
		for _, r := range out {
			if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%q still holds %U", out, r)
			}
		}
		if again := Visible(out); again != out {
			t.Errorf("%q became %q the second time", out, again)
		}
	})
}
