package process

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// masked sends the chunks through a Masker.
func masked(tb interface{ Fatal(...any) }, secrets []string, chunks ...string) string {
	var out bytes.Buffer
	m := NewMasker(&out, secrets)
	for _, chunk := range chunks {
		if n, err := m.Write([]byte(chunk)); n != len(chunk) || err != nil {
			tb.Fatal(n, err)
		}
	}
	if err := m.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func TestMasker(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		secrets []string
		chunks  []string
		want    string
	}{
		{"none", nil, []string{"hello"}, "hello"},
		{"whole", []string{"hunter22"}, []string{"a hunter22 b"}, "a *** b"},
		{"twice", []string{"hunter22"}, []string{"hunter22hunter22"}, "******"},
		{"split", []string{"hunter22"}, []string{"a hun", "", "ter", "22 b"}, "a *** b"},
		{"almost", []string{"hunter22"}, []string{"hunter2", "3"}, "hunter23"},
		{"unfinished", []string{"hunter22"}, []string{"a hunter"}, "a hunter"},
		{"begun anew", []string{"ababac"}, []string{"abab", "abac"}, "ab***"},
		{"longest", []string{"secret", "secret-long"}, []string{"secret-", "long secret-lo"}, "*** ***-lo"},
		{"within a longer one's beginning", []string{"abcdefghij", "cdefgh"}, []string{"abcdefgh"}, "ab***"},
		{"too short", []string{"log", ""}, []string{"logs"}, "logs"},
		{"lines", []string{"line 1\nline 2"}, []string{"> line 1\n", "line 2\n"}, "> ***\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := masked(t, tt.secrets, tt.chunks...); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestMaskerHoldsLittle: text that cannot be a secret's beginning passes at once.
func TestMaskerHoldsLittle(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := NewMasker(&out, []string{"hunter22"})
	for _, step := range []struct{ write, want string }{{"done\n", "done\n"}, {"a hunt", "done\na "}, {"!", "done\na hunt!"}} {
		if _, err := m.Write([]byte(step.write)); err != nil {
			t.Fatal(err)
		}
		if out.String() != step.want {
			t.Errorf("after %q: %q, want %q", step.write, out.String(), step.want)
		}
	}
}

func TestMaskerError(t *testing.T) {
	t.Parallel()
	m := NewMasker(&failingWriter{}, []string{"hunter22"})
	if _, err := m.Write([]byte("fine hunt")); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want the writer's", err)
	}
}

// reference masks a whole text at once.
func reference(secrets []string, text string) string {
	var pairs []string
	for _, s := range longestFirst(secrets) {
		pairs = append(pairs, s, mask)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// TestMaskerModel: however the text is cut into writes, the result is the same.
func TestMaskerModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringMatching(`[ab]{4,9}c?`), 0, 4).Draw(t, "secrets")
		parts := append([]string{"a", "b", "c", "ab", "aaaa"}, secrets...)
		chunks := rapid.SliceOf(rapid.SampledFrom(parts)).Draw(t, "chunks")
		text := strings.Join(chunks, "")
		var cut []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			cut, rest = append(cut, rest[:n]), rest[n:]
		}
		if got, want := masked(t, secrets, cut...), reference(secrets, text); got != want {
			t.Fatalf("%q masked is %q, want %q", cut, got, want)
		}
	})
}

func FuzzMasker(f *testing.F) {
	f.Add("hunter22", "a hunter22 b", 5)
	f.Add("aaaaaa", "aaaaaaaaaaaaa", 1)
	f.Add("\x00\xff\x00\xff\x00\xff", "\x00\xff\x00\xff\x00\xff\x00", 2)
	f.Fuzz(func(t *testing.T, secret, text string, size int) {
		if len(secret) < minSecret || size < 1 {
			return
		}
		var chunks []string
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		if got, want := masked(t, []string{secret}, chunks...), strings.ReplaceAll(text, secret, mask); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestMaskText(t *testing.T) {
	t.Parallel()
	patterns := []*regexp.Regexp{regexp.MustCompile("AKIA[0-9]+")}
	if got, want := MaskText("a hunter22 AKIA123 hun", []string{"hunter22"}, patterns), "a *** *** hun"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
