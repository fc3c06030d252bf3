package spec

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// frontLine is the number of lines before the first line of YAML.
const frontLine = 1

// frontmatter holds byte offsets: the YAML is [start, end), the Markdown starts
// at body. Without frontmatter all are 0.
type frontmatter struct {
	start, end, body int
	root             *yaml.Node // the mapping; nil if there is none or it can't be read
}

// frontmatter finds and reads the YAML between a first line "---" and the next
// such line. It returns false if the start of the Markdown can't be found.
func (s *source) frontmatter() (frontmatter, bool) {
	first, rest := nextLine(s.src, 0)
	switch {
	case first == "---":
	case strings.TrimRight(first, " \t") == "---":
		// Read as Markdown, the file would silently lose its approval and all other keys.
		s.fail(Pos{1, 4}, "frontmatter-fence", "remove them", "spaces after the opening \"---\"")
		return frontmatter{}, false
	default:
		return frontmatter{}, true
	}
	fm := frontmatter{start: rest}
	for at := rest; at < len(s.src); {
		line, next := nextLine(s.src, at)
		if line == "---" {
			fm.end, fm.body = at, next
			fm.root = s.yaml(fm.start, fm.end)
			return fm, true
		}
		at = next
	}
	s.fail(Pos{1, 1}, "unclosed-frontmatter", `end it with a line that is exactly "---"`, "the frontmatter is not closed")
	return frontmatter{}, false
}

// nextLine returns the line at an offset without its line ending, and the offset
// of the next line.
func nextLine(src []byte, at int) (string, int) {
	line, _, found := bytes.Cut(src[at:], []byte("\n"))
	next := at + len(line)
	if found {
		next++
	}
	return string(bytes.TrimSuffix(line, []byte("\r"))), next
}

// yaml reads the bytes [start, end) as one YAML mapping.
func (s *source) yaml(start, end int) *yaml.Node {
	if !s.isPlainText(start, end) {
		return nil
	}
	text := s.src[start:end]
	root, err := decodeYAML(text)
	if err != nil {
		s.failYAML(text, err)
		return nil
	}
	if root == nil {
		return nil // empty, or comments only
	}
	if root.Kind != yaml.MappingNode {
		s.fail(s.nodePos(root), "frontmatter-shape", `write "key: value" lines`,
			"the frontmatter is %s, not a mapping", kindName(root))
		return nil
	}
	s.keys(root)
	return root
}

// decodeYAML returns the root node of the only document in text; nil if text has
// no value.
func decodeYAML(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(&second); err == nil {
		return nil, errors.New("a second YAML document starts in the frontmatter")
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// isPlainText rejects characters that YAML forbids, and characters that are line
// breaks in YAML but not in editors: line numbers would be wrong after them.
func (s *source) isPlainText(start, end int) bool {
	for i, r := range string(s.src[start:end]) {
		at := start + i
		switch {
		case r == '\r' && at+1 < len(s.src) && s.src[at+1] == '\n':
		case r == '\t', r == '\n':
		case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r == '\ufffe', r == '\uffff':
			s.fail(s.pos(at), "control-character", `remove it, or write it as an escape in double quotes`,
				"character %U in the frontmatter", r)
			return false
		}
	}
	return true
}

// failYAML reports text that is not YAML, at the line with the mistake.
func (s *source) failYAML(text []byte, err error) {
	line := invalidLine(text)
	row, _ := nextLine(s.src, s.starts[line+frontLine-1])
	indent := row[:len(row)-len(strings.TrimLeft(row, " \t-"))]
	if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
		s.fail(Pos{line + frontLine, tab + 1}, "yaml-tab", "indent with spaces", "a tab in the indentation")
		return
	}
	s.fail(Pos{line + frontLine, 1}, "invalid-yaml", "", "invalid YAML: %s", yamlReason(err))
}

// invalidLine returns the first line of text, counted from 1, with which the
// text up to there is not YAML. The library's own line is off by one for some
// errors, and it is the last line for an unclosed quote or bracket.
func invalidLine(text []byte) int {
	budget := 4 << 20 // the most bytes to parse again; no real frontmatter needs so many
	lines := bytes.SplitAfter(text, []byte("\n"))
	end := len(text)
	for n := len(lines) - 1; n > 0 && budget > 0; n-- {
		end -= len(lines[n])
		budget -= end
		if _, err := decodeYAML(text[:end]); err == nil {
			return n + 1
		}
	}
	return 1
}

// yamlReason is the library's message without its prefix and line.
func yamlReason(err error) string {
	return regexp.MustCompile(`^yaml: (line \d+: )?`).ReplaceAllString(err.Error(), "")
}

// keys reports keys that are not plain text, and duplicate keys: YAML readers
// interpret both in different ways.
func (s *source) keys(mapping *yaml.Node) {
	first := map[string]Pos{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		at := s.nodePos(key)
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			s.fail(at, "frontmatter-key", "write the keys out", "a key must be a text, not an alias, a merge or a list")
			continue
		}
		if before, ok := first[key.Value]; ok {
			s.fail(at, "duplicate-key", "keep one of them", "key %q is given twice, first at line %d", key.Value, before.Line)
			continue
		}
		first[key.Value] = at
	}
}

// nodePos returns a node's position in the file.
func (s *source) nodePos(n *yaml.Node) Pos {
	return Pos{Line: n.Line + frontLine, Column: n.Column}
}

// kindName names a node's kind for a message.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	default:
		return "a single value"
	}
}
