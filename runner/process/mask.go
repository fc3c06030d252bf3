package process

import (
	"bytes"
	"cmp"
	"io"
	"regexp"
	"slices"
	"strings"
)

// minSecret is the length in bytes of the shortest value that is masked. Shorter values
// are parts of too many words.
const minSecret = 4

// mask replaces a secret.
const mask = "***"

// Masker is an io.Writer that replaces every secret by "***" and writes the result to
// another writer. It also finds a secret that comes in several writes. For this it holds
// back bytes that may be the beginning of a secret, so call Close after the last Write.
// If secrets overlap, it replaces the leftmost, and of these the longest. It is not safe
// for concurrent use.
type Masker struct {
	out     io.Writer
	secrets [][]byte // longest first
	held    []byte
}

// NewMasker returns a Masker that writes to out. Secrets of less than 4 bytes
// are not masked.
func NewMasker(out io.Writer, secrets []string) *Masker {
	m := &Masker{out: out}
	for _, secret := range longestFirst(secrets) {
		m.secrets = append(m.secrets, []byte(secret))
	}
	return m
}

// Write masks p. The error is that of the underlying writer.
func (m *Masker) Write(p []byte) (int, error) {
	text := append(m.held, p...)
	out, rest := m.replace(text, m.undecided(text, 0))
	m.held = append(text[:0], text[rest:]...)
	if err := m.pass(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what is held back. It does not close the underlying writer.
func (m *Masker) Close() error {
	out, _ := m.replace(m.held, len(m.held))
	m.held = nil
	return m.pass(out)
}

// pass writes to the underlying writer unless there is nothing to write.
func (m *Masker) pass(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, err := m.out.Write(p)
	return err
}

// replace returns text up to end with the secrets replaced that begin before end. It also
// returns the offset of the first byte that it has not handled.
func (m *Masker) replace(text []byte, end int) (out []byte, rest int) {
	next := make([]int, len(m.secrets)) // the next offset of each secret, found again when it is passed
	for i := range next {
		next[i] = -1
	}
	for from := 0; ; {
		first := -1
		for i, secret := range m.secrets {
			if next[i] < from {
				next[i] = index(text, secret, from)
			}
			if first < 0 || next[i] < next[first] {
				first = i
			}
		}
		if first < 0 || next[first] >= end {
			return append(out, text[from:max(from, end)]...), max(from, end)
		}
		out = append(out, text[from:next[first]]...)
		out = append(out, mask...)
		from = next[first] + len(m.secrets[first])
		if from > end {
			end = m.undecided(text, from)
		}
	}
}

// index returns the first offset of secret in text, at or after from, or len(text) if
// there is none.
func index(text, secret []byte, from int) int {
	if i := bytes.Index(text[from:], secret); i >= 0 {
		return from + i
	}
	return len(text)
}

// undecided returns the first offset, at or after from, at which a secret may begin that
// ends after the end of text.
func (m *Masker) undecided(text []byte, from int) int {
	first := len(text)
	for _, secret := range m.secrets {
		for at := max(from, len(text)-len(secret)+1); at < first; at++ {
			next := bytes.IndexByte(text[at:first], secret[0])
			if next < 0 {
				break
			}
			if at += next; bytes.HasPrefix(secret, text[at:]) {
				first = at
			}
		}
	}
	return first
}

// MaskText returns text with the secrets, as by a Masker, and what the patterns match
// replaced by "***".
func MaskText(text string, secrets []string, patterns []*regexp.Regexp) string {
	var out bytes.Buffer
	m := NewMasker(&out, secrets)
	_, _ = m.Write([]byte(text)) // a buffer takes all
	_ = m.Close()                // as above
	text = out.String()
	for _, re := range patterns {
		text = re.ReplaceAllString(text, mask)
	}
	return text
}

// longestFirst returns the secrets that are long enough, without duplicates. The longest
// comes first; secrets of equal length are in alphabetical order.
func longestFirst(secrets []string) []string {
	kept := slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(kept, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	return slices.Compact(kept)
}
