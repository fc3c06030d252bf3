package spec

import (
	"bytes"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Ref is a reference to a line of a file, such as "storage/store.go:117". It is
// a path that has a slash or an extension that starts with a letter, a colon and
// a line, and then perhaps "-20" (to line 20) or ":5" (column 5, not looked at).
// A path holds no blank, colon, comma, quote or asterisk. A reference stands in
// text, in a code span, or is the destination of a link.
type Ref struct {
	Text        string // as it stands in the file
	Path        string // in its shortest form; relative to the project
	First, Last int    // lines, from 1; the same where one is named
	Quote       string // what the line is said to hold; "" where nothing is said
	Pos         Pos
}

// CitedFile is a file that a document refers to.
type CitedFile struct {
	Lines   []string // without their endings
	Problem string   // why it can't be looked at, as in "is not in the project"; "" where it can
}

// CheckRefs gives the references that hold, and says which do not, and whether
// fewer than least different places are referred to. files has the file of every
// Ref's Path. A reference holds if its lines are in the file and what it quotes
// is in one of them: in a table whose cell is one code span with a reference in
// it and nothing else, the next cell quotes, if it is one code span too.
func (d *Document) CheckRefs(files map[string]CitedFile, least int) ([]Item, Problems) {
	var found []Item
	var problems Problems
	places := map[Ref]bool{}
	for _, ref := range d.Refs {
		places[Ref{Path: ref.Path, First: ref.First, Last: ref.Last}] = true
		if reason := ref.fault(files[ref.Path]); reason != "" {
			problems = append(problems, d.problem(ref.Pos, "bad-reference", "", "%s: %s", ref.Text, reason))
			continue
		}
		found = append(found, Item{ref.Text, ref.Pos})
	}
	switch {
	case len(places) >= least:
	case len(places) == 0:
		problems = append(problems, d.problem(Pos{}, "no-reference", "write one as in storage/store.go:117", "cites no path:line"))
	default:
		problems = append(problems, d.problem(Pos{}, "no-reference", "",
			"cites %d different path:line, and at least %d are wanted", len(places), least))
	}
	return found, problems
}

// fault tells why a reference does not hold; "" where it does.
func (r Ref) fault(file CitedFile) string {
	switch {
	case leavesProject(r.Path):
		return r.Path + " leads out of the project"
	case file.Problem != "":
		return r.Path + " " + file.Problem
	case r.First < 1:
		return "lines count from 1"
	case r.First > r.Last:
		return "the range ends before it begins"
	case r.Last > len(file.Lines):
		return r.Path + " ends at line " + strconv.Itoa(len(file.Lines))
	}
	if r.Quote == "" {
		return ""
	}
	for _, line := range file.Lines[r.First-1 : r.Last] {
		if strings.Contains(line, r.Quote) {
			return ""
		}
	}
	if r.First < r.Last {
		return "none of the lines holds " + strconv.Quote(r.Quote)
	}
	return "the line does not hold " + strconv.Quote(r.Quote)
}

// leavesProject tells of a path in its shortest form that it is not one of the
// project.
func leavesProject(name string) bool {
	return name == ".." || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/")
}

// references adds those in a piece of the text. raw is text without backslash
// escapes and entities.
func (r *docReader) references(piece text.Segment, raw bool) {
	for _, c := range citations(string(r.text[piece.Start:piece.Stop]), raw) {
		c.Pos = r.at(piece.Start + c.start)
		r.doc.Refs = append(r.doc.Refs, c.Ref)
	}
}

// destination adds the reference that a link leads to; false where it leads
// elsewhere. Its place is the next one that reads like it, else the link's: no
// node has the right one.
func (r *docReader) destination(link *ast.Link) bool {
	ref, ok := wholeCitation(string(link.Destination), false)
	if ok {
		ref.Pos = r.at(link.Pos() + max(0, bytes.Index(r.text[link.Pos():], link.Destination)))
		r.doc.Refs = append(r.doc.Refs, ref)
	}
	return ok
}

// wholeCitation gives the reference that a text is, if it is one.
func wholeCitation(s string, raw bool) (Ref, bool) {
	list := citations(s, raw)
	if len(list) != 1 || list[0].Text != s {
		return Ref{}, false
	}
	return list[0].Ref, true
}

type citation struct {
	Ref
	start int // offset in the text that was read
}

// citations finds the references in a text that stands in one piece.
func citations(s string, raw bool) []citation {
	var list []citation
	from := 0 // what lies before belongs to a reference already
	for i := range s {
		if i < from || s[i] != ':' || !startsWithDigit(s[i+1:]) {
			continue
		}
		start, ok := nameStart(s[from:i])
		if !ok {
			continue
		}
		start += from
		name := unescape([]byte(s[start:i]), raw)
		first, last, end := lineRange(s, i+1)
		if isCitedPath(name) && endsCitation(s[end:]) {
			ref := Ref{Text: s[start:end], Path: path.Clean(name), First: first, Last: last}
			list = append(list, citation{ref, start})
			from = end
		}
	}
	return list
}

// nameStart gives the offset where the path starts that s ends with: after the
// last separator or bracket that is not closed. It is false for a part of
// something longer that has colons: a URL, a revision's path, a time.
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

// afterUnclosed gives the offset after the last bracket that is not closed; 0
// where all are.
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

// lineRange reads "12", "12-20" or "12:5" at an offset, and gives the first and
// the last line and where the text goes on.
func lineRange(s string, at int) (first, last, end int) {
	first, end = number(s, at)
	for _, dash := range []string{"-", "–"} {
		if rest, ok := strings.CutPrefix(s[end:], dash); ok && startsWithDigit(rest) {
			last, end = number(s, end+len(dash))
			return first, last, end
		}
	}
	if rest, ok := strings.CutPrefix(s[end:], ":"); ok && startsWithDigit(rest) {
		_, end = number(s, end+1)
	}
	return first, first, end
}

// number reads the digits at an offset and gives where they end.
func number(s string, at int) (n, end int) {
	end = at
	for startsWithDigit(s[end:]) {
		end++
	}
	n, _ = strconv.Atoi(s[at:end]) // one that is out of range becomes the largest
	return n, end
}

func startsWithDigit(s string) bool { return s != "" && '0' <= s[0] && s[0] <= '9' }

// endsCitation tells whether a reference may end before rest. A version such as
// "golang/go:1.26" goes on after its full stop, a sentence does not.
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
