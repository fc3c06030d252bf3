package spec

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// lookAlikes reports what looks like a criterion or a check, but is none to
// CommonMark, in a top-level block of a criteria section: its author would think
// that chant decides it.
func (b *body) lookAlikes(block ast.Node) {
	_ = ast.Walk(block, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function returns no error
		if !entering || n.Type() == ast.TypeInline {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			b.misspeltCheck(n)
		case *ast.HTMLBlock:
			if n.HTMLBlockType >= ast.HTMLBlockType6 { // the others hold comments and scripts
				b.lines(n, false)
			}
		case *ast.Paragraph, *ast.TextBlock, *ast.Heading, *ast.CodeBlock:
			b.lines(n, n.Parent().Kind() == ast.KindListItem && n.PreviousSibling() == nil)
		}
		return ast.WalkContinue, nil
	})
}

// lines reports the lines of a block that look like a criterion or a check. inItem
// means that the first line is the first one of a list item.
func (b *body) lines(n ast.Node, inItem bool) {
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		text := strings.TrimLeft(string(line.Value(b.text)), " \t")
		start := line.Stop - len(text)
		if b.boxes[start] {
			continue
		}
		if box := fakeBox(text, inItem && i == 0); box != "" && (n.Kind() != ast.KindCodeBlock || strings.ContainsAny(text[:1], "-*+")) {
			b.fail(b.pos(b.base+start), "odd-mark", `write it as "- [ ] text" or "- [x] text"`,
				"%q is not the box of a task-list item, so this is not a criterion", box)
		}
		if words := infoWords(text); len(words) > 1 && words[1] == "check" && len(text)-len(strings.TrimLeft(text, "`~")) > 1 {
			b.fail(b.pos(b.base+start), "stray-check", "begin it on a line of its own with three backticks, indented like the criterion's text",
				"this is not a code block, so it is not a check")
		}
	}
}

// fakeBox returns what looks like a box at the start of a line; "" if nothing does.
// inItem means that a bullet is before it. Without a bullet, only marks that a text
// rarely begins with count: "[1]" may be a footnote.
func fakeBox(line string, inItem bool) string {
	rest := strings.TrimLeft(withoutBullet(line), " \t\u00a0")
	bullet := inItem || len(rest) < len(line)
	text := strings.TrimLeft(rest, "*_~`\\")
	inCode := strings.Contains(rest[:len(rest)-len(text)], "`")
	if inCode && !bullet {
		return "" // a sentence about boxes
	}
	r, n := utf8.DecodeRuneInString(text)
	if strings.ContainsRune("☐☑☒⬜🔲🗹▢◻◽", r) {
		return text[:n]
	}
	closing, ok := map[rune]rune{'[': ']', '［': '］', '【': '】', '(': ')'}[r]
	end := strings.IndexRune(text, closing)
	if !ok || end < 0 {
		return ""
	}
	mark := strings.TrimSuffix(strings.TrimSpace(strings.TrimSuffix(text[n:end], `\`)), "\ufe0f")
	isBlank := mark == "" && end > n
	box, after := text[:end+utf8.RuneLen(closing)], text[end+utf8.RuneLen(closing):]
	switch m, size := utf8.DecodeRuneInString(mark); {
	case size < len(mark), r == '(' && !(isBlank && bullet):
		return ""
	case after != "" && strings.IndexByte("([:", after[0]) >= 0:
		return "" // a link
	case bullet, isBlank:
		return box
	case mark == "", m < utf8.RuneSelf && (unicode.IsLetter(m) || unicode.IsDigit(m)) && m != 'x' && m != 'X', m == '^':
		return ""
	case !endsMark([]byte(strings.TrimLeft(after, "*_~"))):
		return ""
	}
	return box
}

// withoutBullet returns a line without the bullet, or the number, at its start.
func withoutBullet(line string) string {
	if r, n := utf8.DecodeRuneInString(line); strings.ContainsRune("-*+•·‣▪◦–—−|", r) {
		return line[n:]
	}
	if n := digits(line); n > 0 && n < len(line) && strings.IndexByte(".)", line[n]) >= 0 {
		return line[n+1:]
	}
	return line
}

// misspeltCheck reports a code block of a criterion whose info string is almost that
// of a check.
func (b *body) misspeltCheck(fence *ast.FencedCodeBlock) {
	if _, _, isCheck := b.checkInfo(fence); isCheck || fence.Info == nil {
		return
	}
	info := string(fence.Info.Segment.Value(b.text))
	near := func(word string) bool {
		name, _, valued := strings.Cut(word, "=")
		name = strings.ToLower(strings.Trim(name, "{}.,:;`'\""))
		return name == "check" || suggest(name, []string{"check"}) != "" ||
			valued && (slices.Contains(attributeNames(), name) || strings.HasPrefix(name, "env."))
	}
	if slices.ContainsFunc(infoWords(info), near) {
		at, _ := b.opening(fence)
		b.fail(b.pos(b.base+at), "misspelt-check", `write the language and then the word check, as in "sh check"`,
			"the code block %q is not a check", oneLine(info))
	}
}

// sectionName is a heading, or a paragraph that looks like one, whose text is close
// to the name of a criteria section.
type sectionName struct {
	text   string
	level  int
	at     int
	report func(at Pos, rule, hint, format string, args ...any)
}

// misspeltSection returns n if it is almost the heading of a criteria section; nil if
// it is not.
func (b *body) misspeltSection(n ast.Node) *sectionName {
	level, report := 7, b.warn // of a paragraph: any heading ends its section, and specs of several parts have such ones
	if h, ok := n.(*ast.Heading); ok {
		level, report = h.Level, b.fail
	} else if n.Kind() != ast.KindParagraph {
		return nil
	}
	if n.Lines().Len() != 1 {
		return nil
	}
	const name, most = "acceptancecriteria", 40
	text := plainText(n, b.text)
	found := letters(text)
	if len(found) > most || !strings.HasPrefix(found, name) && edits(found, name) > 3 {
		return nil
	}
	return &sectionName{text, level, n.Lines().At(0).Start, report}
}

// hasBox reports whether a task-list item is in a list.
func hasBox(n ast.Node) bool {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Kind() == extast.KindTaskCheckBox || hasBox(c) {
			return true
		}
	}
	return false
}
