package spec

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// check sets the check of a criterion if the fenced code block is one.
func (b *body) check(fence *ast.FencedCodeBlock, owner int) {
	info, at, ok := b.checkInfo(fence)
	if !ok {
		return
	}
	b.seen[fence] = true
	pos := b.pos(at)
	if first, ok := b.fences[owner]; ok {
		b.fail(pos, "two-checks", "write a nested criterion", "the criterion already has a check at line %d", first.Line)
		return
	}
	b.fences[owner] = pos
	if c := b.readCheck(info, b.base+fence.Info.Segment.Start); c != nil {
		c.Pos = pos
		c.Script = b.script(fence)
		if strings.TrimSpace(c.Script) == "" {
			b.fail(pos, "empty-check", "write the command between the fences", "the check has no command")
			return
		}
		b.criteria[owner].Check = c
	}
}

// infoSpace separates the words of an info string.
const infoSpace = " \t\r\n"

func infoWords(info string) []string {
	return strings.FieldsFunc(info, func(r rune) bool { return strings.ContainsRune(infoSpace, r) })
}

// checkInfo returns the info string of a check and the offset of its fence; false
// if the code block is not a check.
func (b *body) checkInfo(fence *ast.FencedCodeBlock) (string, int, bool) {
	if fence.Info == nil {
		return "", 0, false
	}
	seg := fence.Info.Segment
	info := strings.Trim(string(seg.Value(b.text)), infoSpace)
	words := infoWords(info)
	if len(words) == 0 || words[0] != "check" && (len(words) < 2 || words[1] != "check") {
		return "", 0, false
	}
	at, _ := b.opening(fence)
	return info, b.base + at, true
}

// opening returns a block's opening fence and its offset in the text.
func (b *body) opening(fence *ast.FencedCodeBlock) (int, string) {
	line, _ := nextLine(b.text, fence.Pos())
	end := fence.Pos() + len(line)
	if fence.Info != nil {
		end = fence.Info.Segment.Start
	}
	before := bytes.TrimRight(b.text[:end], infoSpace)
	start := len(bytes.TrimRight(before, string(before[len(before)-1])))
	return start, string(before[start:])
}

// script returns the block's content with "\n" line endings: an interpreter
// would read a carriage return as part of the command.
func (b *body) script(fence *ast.FencedCodeBlock) string {
	return strings.ReplaceAll(string(fence.Lines().Value(b.text)), "\r\n", "\n")
}

// fenceProblems reports checks that belong to no criterion, and unclosed
// fences. An unclosed block ends with its list item or with the file, so that
// it may contain more or less than its author sees.
func (b *body) fenceProblems() {
	fences := fencedBlocks(b.root)
	opened := map[int]bool{} // lines with an opening fence
	for _, fence := range fences {
		opened[b.pos(b.base+fence.Pos()).Line] = true
	}
	for _, fence := range fences {
		start, run := b.opening(fence)
		at := b.pos(b.base + start)
		_, _, isCheck := b.checkInfo(fence)
		if isCheck && !b.seen[fence] {
			b.fail(at, "stray-check", "indent it below a task-list item of the acceptance criteria",
				"a check outside a criterion")
		}
		if b.closed(fence, run, opened) {
			continue
		}
		report := b.warn
		if isCheck {
			report = b.fail
		}
		report(at, "unclosed-fence", "close it with "+run+" in the same column", "the code fence is not closed")
	}
}

// closed reports whether the line after a block's content is its closing fence,
// and not the opening fence of another block, as it is if it is indented too
// little.
func (b *body) closed(fence *ast.FencedCodeBlock, run string, opened map[int]bool) bool {
	_, end := nextLine(b.text, fence.Pos())
	if n := fence.Lines().Len(); n > 0 {
		end = fence.Lines().At(n - 1).Stop
	}
	line, _ := nextLine(b.text, end)
	line = strings.TrimLeft(line, "> \t")
	return strings.HasPrefix(line, run) && !opened[b.pos(b.base+end).Line]
}

func fencedBlocks(n ast.Node) []*ast.FencedCodeBlock {
	var list []*ast.FencedCodeBlock
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if fence, ok := c.(*ast.FencedCodeBlock); ok {
			list = append(list, fence)
		} else if c.Type() == ast.TypeBlock {
			list = append(list, fencedBlocks(c)...)
		}
	}
	return list
}

// readCheck reads an info string that starts at a byte offset of the file. It
// returns nil if it found a problem.
func (b *body) readCheck(info string, start int) *Check {
	before := len(b.problems)
	c := &Check{Info: info, Repeat: 1, Timeout: DefaultTimeout, Dir: "."}
	words := infoWords(info)
	if words[0] == "check" {
		b.fail(b.pos(start), "check-language", `write the language first, as in "sh check"`, "the check has no language")
		return nil
	}
	c.Lang = words[0]
	rest := strings.TrimLeft(info[len(c.Lang):], infoSpace)[len("check"):]
	attrs := map[string]attribute{}
	for _, a := range b.attributes(rest, start+len(info)-len(rest)) {
		if first, ok := attrs[a.name]; ok {
			b.fail(a.pos, "attribute-twice", "keep one of them",
				"check attribute %q is given twice, first at column %d", a.name, first.pos.Column)
			continue
		}
		attrs[a.name] = a
		b.apply(c, a)
	}
	if len(b.problems) == before {
		b.consistent(c, attrs)
	}
	if len(b.problems) > before {
		return nil
	}
	return c
}
