package spec

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"
)

// SetKey sets a key of the frontmatter to a string, []string, Approval, Skip
// or []Attestation; times are written in UTC, to the second. A file without
// frontmatter gets one.
//
// It changes as few bytes as possible: a value on one line, the items of a block
// list that differ, the fields of a map that differ, or else the lines of the
// key. It reads the result again: if the key does not have the new value, or
// anything else has changed, SetKey returns a Problem with a position in src but
// without ID and path. It returns such a Problem too if Parse can't read the
// frontmatter.
func SetKey(src []byte, key string, value any) ([]byte, error) {
	want, err := newWanted(key, value)
	if err != nil {
		return nil, fmt.Errorf("setting %q in the frontmatter: %w", key, err)
	}
	e, problems := openEditor(src)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	at, i := e.pos(e.fm.end), index(e.fm.root, key)
	if i >= 0 {
		at = e.nodePos(e.fm.root.Content[i+1])
	}
	out, err := e.set(i, want)
	if err != nil {
		e.fail(at, "uneditable-frontmatter", "write plain \"key: value\" lines", "the frontmatter can't be edited: setting %q: %v", key, err)
		return nil, e.problems[0]
	}
	return out, nil
}

// set sets the entry i, or a new one where i is negative.
func (e *editor) set(i int, want wanted) ([]byte, error) {
	if e.fm.body == 0 {
		fence := "---" + e.ending
		return e.verified(want, splice(e.src, 0, 0, fence+renderEntry(0, want, e.ending)+fence))
	}
	if i < 0 {
		entry := renderEntry(indent(e.fm.root), want, e.ending)
		return e.verified(want, splice(e.src, e.fm.end, e.fm.end, entry))
	}
	old := e.fm.root.Content[i+1]
	if want.readFrom(e.source, old) {
		return bytes.Clone(e.src), nil
	}
	if hasAnchor(old) {
		return nil, errors.New("other values may refer to its anchor")
	}
	// The smallest edit first. Its result is verified, so it need not handle every
	// unusual layout.
	edit := e.editItems
	switch want.kind {
	case yaml.ScalarNode:
		edit = e.editValue
	case yaml.MappingNode:
		edit = e.editFields
	}
	if out, ok := edit(i, want); ok {
		if out, err := e.verified(want, out); err == nil {
			return out, nil
		}
	}
	return e.verified(want, e.replaceEntry(i, want))
}

type editor struct {
	*source
	fm     frontmatter
	ending string
}

func openEditor(src []byte) (*editor, Problems) {
	s, fm, _ := openSource("", "", src)
	e := &editor{source: s, fm: fm, ending: lineEnding(src)}
	if root := fm.root; root != nil && root.Style&yaml.FlowStyle != 0 {
		s.fail(s.nodePos(root), "uneditable-frontmatter", "write one \"key: value\" a line",
			"the frontmatter can't be edited: it is written in braces")
	}
	return e, s.sorted()
}

// index returns the index of a key in the Content of a mapping, which may be nil;
// or -1.
func index(mapping *yaml.Node, key string) int {
	for i := 0; mapping != nil && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// indent returns the number of spaces before a mapping's keys.
func indent(mapping *yaml.Node) int {
	if mapping == nil || len(mapping.Content) == 0 {
		return 0
	}
	return mapping.Content[0].Column - 1
}

// entry returns the byte range of a mapping's entry, in whole lines. Blank lines,
// and comments that are not indented further than the key, do not belong to the
// entry above them. limit is the end of the mapping.
func (e *editor) entry(mapping *yaml.Node, i, limit int) (start, end int) {
	start, end = e.lineOf(mapping.Content[i]), limit
	if i+2 < len(mapping.Content) {
		end = e.lineOf(mapping.Content[i+2])
	}
	for end > start {
		last := bytes.LastIndexByte(e.src[:end-1], '\n') + 1
		line := e.src[last:end]
		text := bytes.TrimLeft(line, " ")
		deeper := len(line)-len(text) >= mapping.Content[i].Column
		blank := len(bytes.TrimSpace(text)) == 0
		if last <= start || !blank && (deeper || text[0] != '#') {
			break
		}
		end = last
	}
	return start, end
}

// lineOf returns the offset of the line of a node.
func (e *editor) lineOf(n *yaml.Node) int { return e.starts[e.nodePos(n).Line-1] }

func (e *editor) at(n *yaml.Node) int { return e.offset(e.nodePos(n)) }

// editValue replaces a value that is on one line.
func (e *editor) editValue(i int, want wanted) ([]byte, bool) {
	start, end, text := e.valueEdit(e.fm.root.Content[i], e.fm.root.Content[i+1], want.items[0][0])
	return splice(e.src, start, end, text), text != ""
}

// valueEdit returns the bytes [start, end) of a value that is on one line, and the
// text that replaces them. The text has the quoting style of the old value; it is
// empty if the value can't be replaced.
func (e *editor) valueEdit(key, old *yaml.Node, f field) (start, end int, text string) {
	if isNull(old) && old.Value == "" {
		n := token(e.src[e.at(key):], key)
		colon := e.at(key) + n
		if n == 0 || e.src[colon] != ':' {
			return 0, 0, ""
		}
		return colon + 1, colon + 1, " " + f.text(0)
	}
	start = e.at(old)
	if n := token(e.src[start:], old); n > 0 {
		return start, start + n, f.text(old.Style)
	}
	return 0, 0, ""
}

// token returns the length of the scalar at the start of text; 0 if it has more
// than one line or another style.
func token(text []byte, n *yaml.Node) int {
	pattern := regexp.QuoteMeta(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		return 0
	case n.Style == yaml.DoubleQuotedStyle:
		pattern = `"(\\.|[^"\\\n])*"`
	case n.Style == yaml.SingleQuotedStyle:
		pattern = `'(''|[^'\n])*'`
	case n.Style != 0:
		return 0
	}
	return len(regexp.MustCompile("^" + pattern).Find(text))
}

// editItems rewrites a block list item by item. An unchanged item keeps its bytes
// with comments and quoting.
func (e *editor) editItems(i int, want wanted) ([]byte, bool) {
	old := e.fm.root.Content[i+1]
	if len(want.items) == 0 || old.Kind != yaml.SequenceNode || len(old.Content) == 0 {
		return nil, false
	}
	_, end := e.entry(e.fm.root, i, e.fm.end)
	starts := make([]int, 0, len(old.Content)+1)
	onlyDash := regexp.MustCompile(`^ *- *$`)
	for _, item := range old.Content {
		if !onlyDash.Match(e.src[e.lineOf(item):e.at(item)]) {
			return nil, false
		}
		starts = append(starts, e.lineOf(item))
	}
	starts = append(starts, end)
	before := want.itemsOf(e.source, old)
	if len(before) != len(old.Content) {
		return nil, false
	}
	var lines []byte
	kept := 0
	for _, item := range want.items {
		n := slices.IndexFunc(before[kept:], func(b []field) bool { return slices.Equal(b, item) })
		if n < 0 {
			lines = append(lines, renderItem(old.Column-1, item, e.ending)...)
			continue
		}
		kept += n + 1
		lines = append(lines, e.src[starts[kept-1]:starts[kept]]...)
	}
	return splice(e.src, starts[0], end, string(lines)), true
}

// editFields changes, removes and adds fields of a map and leaves unknown fields
// as they are.
func (e *editor) editFields(i int, want wanted) ([]byte, bool) {
	old := e.fm.root.Content[i+1]
	if old.Kind != yaml.MappingNode || old.Style&yaml.FlowStyle != 0 || len(old.Content) == 0 {
		return nil, false
	}
	_, limit := e.entry(e.fm.root, i, e.fm.end)
	added := slices.DeleteFunc(slices.Clone(want.items[0]), func(f field) bool { return index(old, f.key) >= 0 })
	out := splice(e.src, limit, limit, renderFields(indent(old), added, e.ending))
	for j := len(old.Content) - 2; j >= 0; j -= 2 { // backwards: the offsets of the others stay valid
		key, value := old.Content[j], old.Content[j+1]
		start, end := e.entry(old, j, limit)
		n := slices.IndexFunc(want.items[0], func(f field) bool { return f.key == key.Value })
		switch {
		case n < 0 && slices.Contains(want.names, key.Value):
			out = splice(out, start, end, "")
		case n >= 0 && value.Value != want.items[0][n].value:
			text := renderFields(indent(old), want.items[0][n:n+1], e.ending)
			if from, to, inLine := e.valueEdit(key, value, want.items[0][n]); inLine != "" {
				start, end, text = from, to, inLine
			}
			out = splice(out, start, end, text)
		}
	}
	return out, true
}

// replaceEntry rewrites the lines of a key, except for the comment at the end of
// its first line.
func (e *editor) replaceEntry(i int, want wanted) []byte {
	start, end := e.entry(e.fm.root, i, e.fm.end)
	lines := renderEntry(indent(e.fm.root), want, e.ending)
	comment := e.fm.root.Content[i].LineComment
	if comment == "" {
		comment = e.fm.root.Content[i+1].LineComment
	}
	if comment != "" {
		at := len(lines) - len(e.ending)
		if want.kind != yaml.ScalarNode {
			at = bytes.Index([]byte(lines), []byte(e.ending))
		}
		lines = lines[:at] + " " + comment + lines[at:]
	}
	return splice(e.src, start, end, lines)
}

// splice replaces src[start:end].
func splice(src []byte, start, end int, text string) []byte {
	return slices.Concat(src[:start], []byte(text), src[end:])
}

// verified returns the result of an edit if the key has the wanted value and
// nothing else has changed.
func (e *editor) verified(want wanted, out []byte) ([]byte, error) {
	after, problems := openEditor(out)
	if len(problems) > 0 {
		return nil, fmt.Errorf("reading the edit again: %s", problems[0].Msg)
	}
	i := index(e.fm.root, want.key)
	j := index(after.fm.root, want.key)
	switch {
	case j < 0 || !want.readFrom(after.source, after.fm.root.Content[j+1]):
		return nil, errors.New("the key would not have the new value")
	case !bytes.Equal(e.src[e.fm.body:], out[after.fm.body:]),
		!sameEntries(e.fm.root, after.fm.root, []string{want.key}),
		i >= 0 && want.kind == yaml.MappingNode &&
			!sameEntries(e.fm.root.Content[i+1], after.fm.root.Content[j+1], want.names):
		return nil, errors.New("the edit would change something else")
	}
	return out, nil
}

// sameEntries reports whether two mappings have the same entries in the same
// order, except for some keys.
func sameEntries(a, b *yaml.Node, but []string) bool {
	rest := func(m *yaml.Node) []*yaml.Node {
		var nodes []*yaml.Node
		for i := 0; m != nil && m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
			if !slices.Contains(but, m.Content[i].Value) {
				nodes = append(nodes, m.Content[i], m.Content[i+1])
			}
		}
		return nodes
	}
	return slices.EqualFunc(rest(a), rest(b), sameNode)
}

// sameNode compares the contents of two nodes. Aliases are compared by name,
// because no edit changes a value with an anchor.
func sameNode(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.ShortTag() == b.ShortTag() && a.Value == b.Value && a.Anchor == b.Anchor &&
		slices.EqualFunc(a.Content, b.Content, sameNode)
}

func hasAnchor(n *yaml.Node) bool {
	return n.Anchor != "" || slices.ContainsFunc(n.Content, hasAnchor)
}
