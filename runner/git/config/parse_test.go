package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// nastyFiles are config files at the edges of the format.
func nastyFiles() []string {
	return []string{
		"", "\n", "k=1", "[a]", "[a]k", "[a]k=1", "[a]\r\nk = 1\r\n", "[a]\rk=1\r\r\n", "\ufeff[a]k=1", "\xef\xbb[a]k=1", "\ufeff\ufeff[a]k=1",
		"[A.B.C]Key=V", "[a \"B.c\"]K=1", "[a  \t\"b\"]k=1", "[a\"b\"]k=1", "[a \"b\" ]k=1", "[a ]k=1", "[ a]k=1", "[]k=1", "[ \"q\"]k=1",
		"[.]k=1", "[a..b]k=1", "[a_b]k=1", "[a-1]k-2=3", "[1]k=1", "[a \"b\\nc\\\"d\\\\\"]k=1", "[a \"b\\", "[a \"b\n\"]k=1", "[a\n]k=1", "[a\r\"b\"]k=1",
		"[a][b]k=1 [c]", "[a]1k=2", "[a]-k=2", "[a]k_l=2", "[a]k\nl=", "[a]k\n=1", "[a]k # c", "[a]k ; c\n", "[a]k=#c\nl=;d\n", "[a]k\t =\t 1", "[a]k\v=1", "[a]k\r=1",
		"[a]k=a b  c  # d", "[a]k=a\tb", "[a]k=\"a # b\" ; c", "[a]k=a\"b  \"c", "[a]k= \"\"  x\"  \"  y", "[a]k=\" a \"", "[a]k=a \"\"", "[a]k=\"a", "[a]k=\"a\nb\"",
		"[a]k=a\\\nb", "[a]k=a \\\n  b", "[a]k=\\\n\\\n b", "[a]k=a\\\r\nb", "[a]k=\"a\\\nb\"", "[a]k=a\\", "[a]k=a \\", "[a]k=\"a\\", "[a]k=# a\\\nl=1",
		"[a]k=\\n\\t\\b\\\"\\\\", "[a]k=\\x", "[a]k=\\'", "[a]k='a b'", "[a]k=a\x00b", "[a \"b\x00c\"]k=1", "[a]k\x00=1", "[a]k=\xff\xfe", "[a]k=é\u00a0", "[a]é=1", "[a]k=\f x \f",
		"# c\n; d\n[a] # e\nk=1 # f\n", "[a] k = 1\n[a] k = 2", "[a]k=1=2", "[a]k==", "]", "=", "\"", "\\", "[a]k=\\\n# c", "[a]k=\n\n  l=2", "[include]pat=h", "[ \"A\x00\"]k",
	}
}

// gitReads gives what git reads from a config file with text.
func gitReads(t testing.TB, h host, name, text string) ([]entry, error) {
	t.Helper()
	name = filepath.Join(h.root, name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := h.git("config", "--file", name, "--no-includes", "--list", "-z")
	return parseList(string(out)), err
}

func TestParseReadsWhatGitReads(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, text := range nastyFiles() {
		want, gitErr := gitReads(t, h, "nasty", text)
		got, err := parse("nasty", []byte(text))
		if diff := differ(got, err, want, gitErr); diff != nil {
			t.Errorf("%q: %v", text, diff)
		}
	}
}

func TestParseAgreesWithGitOnRandomFiles(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	piece := rapid.SampledFrom([]string{
		"[a]", "[a \"b\"]", "[A.b]", "[", "]", "\"", "\\", "\n", "\r\n", "\r", " ", "\t", "#", ";", "=", "k", "Key", "k = v", "k=", "-", "1", ".",
		"\\n", "\\\"", "\\\n", "\n[c]\n", "\nx = ", "  ", "\x00", "\ufeff", "é", "\v",
	})
	rapid.Check(t, func(rt *rapid.T) {
		start := rapid.SampledFrom([]string{"", "[a]\n", "[a]\nk = ", "[a \""}).Draw(rt, "start")
		text := start + strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(rt, "pieces"), "")
		want, gitErr := gitReads(t, h, "random", text)
		got, err := parse("random", []byte(text))
		if diff := differ(got, err, want, gitErr); diff != nil {
			rt.Fatalf("%q: %v", text, diff)
		}
	})
}

func TestParseKeepsTabs(t *testing.T) {
	t.Parallel()
	got, err := parse("f", []byte("[a]k = x \t y\t\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]entry{{key: "a.k", value: "x \t y"}}, got, cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
}

func TestParseNamesTheLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[a]\nk=1\n[b\n":                 "f:3: a section header must be",
		"[a]\r\n\r\nk \"\n":              "f:3: = is missing behind k",
		"[a]\nk=\"x\n":                   "f:2: the quote isn't closed",
		"[a]\nk=x\\\ny\nl=\\q\n":         "f:4: a backslash may stand",
		"[a]\n1=2":                       "f:2: a setting must begin with a letter",
		"# c\n[a \"b\n\"]\n":             "f:2: the quote in the section header",
		"[a \"b\"c]":                     "f:1: a section header must be",
		"[a]k=1 # \"\n\n[b] ; \\\n\x00=": "f:4: a setting must begin",
	} {
		if _, err := parse("f", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParse holds the parser to git's reading; of the inputs that the fuzzer
// invents, only to that of every 50th, because a process takes its time.
func FuzzParse(f *testing.F) {
	for _, text := range nastyFiles() {
		f.Add([]byte(text))
	}
	h := newHost(f)
	var inputs atomic.Int64
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := parse("fuzz", src)
		for _, e := range got {
			// A NUL may cut a key anywhere, so that a subsection becomes a name.
			cut := bytes.IndexByte(src, 0) >= 0
			if !cut && e.key != canonical(e.key) || strings.Contains(e.key+e.value, "\x00") || e.bare && e.value != "" {
				t.Errorf("impossible entry %+v", e)
			}
		}
		if inputs.Add(1)%50 != 1 {
			return
		}
		want, gitErr := gitReads(t, h, filepath.Base(t.TempDir()), string(src))
		if diff := differ(got, err, want, gitErr); diff != nil {
			t.Error(diff)
		}
	})
}
