package spec

import (
	"bytes"
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Ref is a reference to a line of a file, such as "storage/store.go:117": a path,
// a colon and a line number, optionally followed by "-20" (up to line 20) or ":5"
// (column 5, ignored). The path has a slash, or an extension that starts with a
// letter, and no blank, colon, comma, quote or asterisk. A reference is found in
// text, in a code span, or as the destination of a link.
type Ref struct {
	Text        string // as written in the document
	Path        string // in its shortest form; relative to the project
	First, Last int    // lines, counted from 1; equal for a single line
	Quote       string // text that the cited lines should contain; "" if not given
	Pos         Pos
}

// CitedFile is a file that a document refers to.
type CitedFile struct {
	Lines   []string // without line endings
	Problem string   // why it can't be read, as in "is not in the project"; "" if it can
}

// CheckRefs returns the valid references. The Problems are the invalid ones, and
// fewer than least different references. files holds the file of every Ref's
// Path. A reference is valid if the file has its lines and one of them contains
// the quote. Quotes are found in tables: if a cell is a single code span with a
// reference and the next cell is a single code span, that one is the quote.
func (d *Document) CheckRefs(files map[string]CitedFile, least int) ([]Item, Problems) {
	r := reporter{path: d.Path}
	var found []Item
	places := map[Ref]bool{}
	for _, ref := range d.Refs {
		places[Ref{Path: ref.Path, First: ref.First, Last: ref.Last}] = true
		if reason := ref.fault(files[ref.Path]); reason != "" {
			r.fail(ref.Pos, "bad-reference", "", "%s: %s", ref.Text, reason)
			continue
		}
		found = append(found, Item{ref.Text, ref.Pos})
	}
	switch {
	case len(places) >= least:
	case len(places) == 0:
		r.fail(Pos{}, "no-reference", "such as storage/store.go:117", "cites no path:line")
	default:
		r.fail(Pos{}, "no-reference", "", "cites %d different path:line, expected at least %d", len(places), least)
	}
	return found, r.problems
}

// fault says why a reference is invalid; "" if it is valid.
func (r Ref) fault(file CitedFile) string {
	switch {
	case leavesProject(r.Path):
		return r.Path + " is outside the project"
	case file.Problem != "":
		return r.Path + " " + file.Problem
	case r.First < 1:
		return "line numbers start at 1"
	case r.First > r.Last:
		return "the last line is before the first"
	case r.Last > len(file.Lines):
		return r.Path + " ends at line " + strconv.Itoa(len(file.Lines))
	}
	quoted := func(line string) bool { return strings.Contains(line, r.Quote) }
	switch {
	case slices.ContainsFunc(file.Lines[r.First-1:r.Last], quoted):
		return ""
	case r.First < r.Last:
		return "none of the lines contains " + strconv.Quote(r.Quote)
	}
	return "the line does not contain " + strconv.Quote(r.Quote)
}

// references adds the references in a piece of the text. In raw text there are
// no backslash escapes and entities.
func (r *docReader) references(piece text.Segment, raw bool) {
	for _, c := range citations(string(r.text[piece.Start:piece.Stop]), raw) {
		c.Pos = r.at(piece.Start + c.start)
		r.doc.Refs = append(r.doc.Refs, c.Ref)
	}
}

// destination adds the reference that is a link's destination; false if the
// destination is not a reference. No node has the position of a destination, so
// it is searched for in the text after the start of the link.
func (r *docReader) destination(link *ast.Link) bool {
	ref, ok := wholeCitation(string(link.Destination), false)
	if ok {
		ref.Pos = r.at(link.Pos() + max(0, bytes.Index(r.text[link.Pos():], link.Destination)))
		r.doc.Refs = append(r.doc.Refs, ref)
	}
	return ok
}

// wholeCitation returns a text that is a reference as a whole.
func wholeCitation(s string, raw bool) (Ref, bool) {
	list := citations(s, raw)
	if len(list) != 1 || list[0].Text != s {
		return Ref{}, false
	}
	return list[0].Ref, true
}

type citation struct {
	Ref
	start int // offset in the text
}

// citations finds the references in a text.
func citations(s string, raw bool) []citation {
	if !strings.Contains(s, ":") {
		return nil // most texts
	}
	lines := regexp.MustCompile(`^:(\d+)(?:[-–](\d+)|:\d+)?`)
	var list []citation
	from := 0 // end of the last reference
	for i := range s {
		if i < from || s[i] != ':' {
			continue
		}
		m := lines.FindStringSubmatch(s[i:])
		start, ok := nameStart(s[from:i])
		if m == nil || !ok {
			continue
		}
		start += from
		end := i + len(m[0])
		name := unescape([]byte(s[start:i]), raw)
		if isCitedPath(name) && endsCitation(s[end:]) {
			first, _ := strconv.Atoi(m[1]) // the largest int if it is out of range
			last, _ := strconv.Atoi(cmp.Or(m[2], m[1]))
			list = append(list, citation{Ref{Text: s[start:end], Path: path.Clean(name), First: first, Last: last}, start})
			from = end
		}
	}
	return list
}

// nameStart returns the offset of the path at the end of s: after the last
// separator or unclosed bracket. It returns false if a colon precedes the path,
// as in a URL, a path with a revision, or a time.
func nameStart(s string) (int, bool) {
	start := 0
	if i := strings.LastIndexFunc(s, isNameSeparator); i >= 0 {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == ':' {
			return 0, false
		}
		start = i + n
	}
	for _, pair := range []string{"()", "[]", "{}", "<>"} {
		start += afterUnclosed(s[start:], pair[0], pair[1])
	}
	return start, true
}

// afterUnclosed returns the offset after the last unclosed bracket; 0 if there is
// none.
func afterUnclosed(s string, opening, closing byte) int {
	closed := 0
	for i := len(s) - 1; i >= 0; i-- {
		switch {
		case s[i] == closing:
			closed++
		case s[i] == opening && closed == 0:
			return i + 1
		case s[i] == opening:
			closed--
		}
	}
	return 0
}

func isNameSeparator(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune(":,;|\"'`“”„‘’«»—", r)
}

func isCitedPath(name string) bool {
	forbidden := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`\<>*?`, r)
	}
	if strings.ContainsFunc(name, forbidden) || !strings.ContainsFunc(name, unicode.IsLetter) || strings.HasSuffix(name, "/") {
		return false
	}
	extension, _ := utf8.DecodeRuneInString(strings.TrimPrefix(path.Ext(name), "."))
	return strings.Contains(name, "/") || unicode.IsLetter(extension)
}

// endsCitation reports whether a reference can end before rest. In a version such
// as "golang/go:1.26" a digit follows the full stop; at the end of a sentence
// there is none.
func endsCitation(rest string) bool {
	for _, r := range rest {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '_':
			return false
		case !strings.ContainsRune("./-+%=@#~", r):
			return true
		}
	}
	return true
}
