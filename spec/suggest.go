package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// oneOf returns DidYouMean, or a list of the known words if none is similar.
func oneOf(word string, known []string) string {
	if len(known) == 0 {
		return "there are none"
	}
	return cmp.Or(DidYouMean(word, known), "one of "+strings.Join(known, ", "))
}

// DidYouMean suggests the known text that is most similar to a misspelt one; ""
// if none is similar.
func DidYouMean(word string, known []string) string {
	folded := make([]string, len(known))
	for i, k := range known {
		folded[i] = strings.ToLower(k)
	}
	near := suggest(strings.ToLower(oneLine(word)), folded)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", known[slices.Index(folded, near)])
}

// suggest returns the known word that is most similar to a misspelt one: at most
// two edits away, and fewer edits than half of the word's characters. Of equally
// similar words it returns the first, and "" if there is none.
func suggest(word string, known []string) string {
	best, bestEdits := "", 3
	for _, k := range known {
		if gap := len(word) - len(k); gap < -2*utf8.UTFMax || gap > 2*utf8.UTFMax {
			continue // certainly more than two edits
		}
		if d := edits(word, k); d < bestEdits && 2*d < utf8.RuneCountInString(word) {
			best, bestEdits = k, d
		}
	}
	return best
}

// edits counts the insertions, deletions, substitutions and transpositions that
// turn a into b (optimal string alignment distance: no part is edited twice).
func edits(a, b string) int {
	from, to := []rune(a), []rune(b)
	// Three rows of the usual table: a transposition looks two rows back.
	var before []int
	above := make([]int, len(to)+1)
	for j := range above {
		above[j] = j
	}
	for i := range from {
		row := make([]int, len(to)+1)
		row[0] = i + 1
		for j := range to {
			substitute := above[j]
			if from[i] != to[j] {
				substitute++
			}
			row[j+1] = min(substitute, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(to)]
}
