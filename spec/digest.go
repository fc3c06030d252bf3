package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// Digest is "sha256:" and the hexadecimal SHA-256 over the criteria and their
// checks. Ticks, frontmatter, prose and line endings do not change it; every
// change to a criterion or a check does.
func (s *Spec) Digest() string {
	h := sha256.New()
	own := map[*Check]bool{} // an inherited check was met before, at the ancestor
	for _, c := range s.Criteria {
		put(h, "criterion", fmt.Sprint(c.Depth), c.Text)
		switch {
		case c.Check == nil:
			put(h, "manual")
		case own[c.Check]:
			put(h, "inherited", c.Check.Info, c.Check.Script)
		default:
			own[c.Check] = true
			put(h, "own", c.Check.Info, c.Check.Script)
		}
	}
	return digestText(h)
}

// ApprovalDigest is "sha256:" and the hexadecimal SHA-256 over what a person
// approves: the criteria and their checks, the text above the transcript, and
// what the spec waits for, changes, builds on and is run with. Ticks, the other
// keys, line endings and the final newline do not change it.
func (s *Spec) ApprovalDigest() string {
	h := sha256.New()
	put(h, "approval", s.Digest(), string(s.prose[:]), s.Prompt, s.Agent, s.Model)
	for _, items := range [][]Item{s.DependsOn, s.TargetFiles, s.InformedBy} {
		put(h, fmt.Sprint(len(items)))
		put(h, texts(items)...)
	}
	return digestText(h)
}

// prose is the SHA-256 of the text above the transcript, with every criterion's
// box empty, lines that end in "\n", and no line end at the end.
func (b *body) prose() [sha256.Size]byte {
	text := bytes.Clone(b.text)
	for _, c := range b.criteria {
		text[c.mark-b.base] = ' '
	}
	return sha256.Sum256(bytes.TrimRight(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), "\n"))
}

func digestText(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

// put adds texts so that no two lists of texts give the same bytes: each
// with its length in front.
func put(h hash.Hash, texts ...string) {
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t) // a hash takes every write
	}
}
