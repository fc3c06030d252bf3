package cmd

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"chant/spec"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"plain, héllo, 世界, 👍":       "plain, héllo, 世界, 👍",
		"a\tb":                      "a    b",
		"a\nb\r":                    "a^Jb^M",
		"\x1b[31mred\x1b[0m":        "^[[31mred^[[0m",
		"\x1b]0;title\x07":          "^[]0;title^G",
		"\x00\x1f\x7f":              "^@^_^?",
		"\u009b31m":                 "<U+009B>31m",
		"user\u202enimda":           "user<U+202E>nimda",
		"a\u2066b\u2069":            "a<U+2066>b<U+2069>",
		"zero\u200bwidth\ufeff":     "zero<U+200B>width<U+FEFF>",
		"soft\u00adhyphen":          "soft<U+00AD>hyphen",
		"line\u2028end":             "line<U+2028>end",
		"tag\U000E0041":             "tag<U+E0041>",
		"hidden\U000E0100":          "hidden<U+E0100>",
		"filler\u3164":              "filler<U+3164>",
		"bad \xff\xc3 utf-8":        "bad \uFFFD\uFFFD utf-8",
		"a warning ⚠\ufe0f has one": "a warning ⚠\ufe0f has one",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"a\x1b[2Jb", "\u202e\u0085\xff", "<U+202E>", "\U000E0001\u2060", "\r\n\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := clean(in)
		if !utf8.ValidString(out) {
			t.Errorf("%q is no UTF-8", out)
		}
		for _, r := range out {
			if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) ||
				unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
				t.Errorf("%q still holds %U", out, r)
			}
		}
		if again := clean(out); again != out {
			t.Errorf("%q became %q the second time", out, again)
		}
		if lines := cleanLines(in); strings.Count(lines, "\n") != strings.Count(in, "\n") {
			t.Errorf("%q has other lines than %q", lines, in)
		}
	})
}

func FuzzEscapeJSON(f *testing.F) {
	for _, seed := range []string{"a\x7fb", "\u009b\u202e", "\U000E0041 \U0001F44D", "\\u202e \"", "\xff\x1b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		value := map[string]any{"k" + in: []any{in, 1.0}}
		var b strings.Builder
		if err := writeJSON(&b, value); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.String() {
			if r != '\n' && (r < 0x20 || r == 0x7F || spec.Deceptive(r)) {
				t.Errorf("%q holds %U", b.String(), r)
			}
		}
		plainly, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(plainly, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("value (-want +got):\n%s", diff)
		}
	})
}
