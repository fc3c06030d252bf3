package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// Digest returns "sha256:" and the hexadecimal SHA-256 of the criteria and their
// checks. Every change to a criterion or a check changes it; ticks, frontmatter,
// prose and line endings do not.
func (s *Spec) Digest() string {
	h := sha256.New()
	own := map[*Check]bool{} // checks that an ancestor had before
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

// ApprovalDigest returns "sha256:" and the hexadecimal SHA-256 of what a person
// approves: the criteria and their checks, the text above the transcript, and
// the keys depends_on, target_files, informed_by, prompt, agent and model.
// Ticks, other keys, line endings and the final newline do not change it.
func (s *Spec) ApprovalDigest() string {
	h := sha256.New()
	put(h, "approval", s.Digest(), string(s.prose[:]), s.Prompt, s.Agent, s.Model)
	for _, items := range [][]Item{s.DependsOn, s.TargetFiles, s.InformedBy} {
		put(h, fmt.Sprint(len(items)))
		put(h, texts(items)...)
	}
	return digestText(h)
}

// prose returns the SHA-256 of the text above the transcript, with all boxes
// empty, "\n" as line ending, and no line ending at the end.
func (b *body) prose() [sha256.Size]byte {
	text := bytes.Clone(b.text)
	for _, c := range b.criteria {
		text[c.mark-b.base] = ' '
	}
	return sha256.Sum256(bytes.TrimRight(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), "\n"))
}

func digestText(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

// put writes each text with its length in front of it, so that different lists
// of texts never result in the same bytes.
func put(h hash.Hash, texts ...string) {
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t) // a hash.Hash never returns an error
	}
}
