package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
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
// such line; blanks after either are ignored. It returns false if the start of the
// Markdown can't be found.
func (s *source) frontmatter() (frontmatter, bool) {
	first, rest := nextLine(s.src, 0)
	if !isFence(first) {
		return frontmatter{}, true
	}
	fm := frontmatter{start: rest}
	for at := rest; at < len(s.src); {
		line, next := nextLine(s.src, at)
		if isFence(line) {
			fm.end, fm.body = at, next
			fm.root = s.yaml(fm.start, fm.end)
			return fm, true
		}
		at = next
	}
	s.fail(Pos{1, 1}, "unclosed-frontmatter", `end it with a line that is exactly "---"`, "the frontmatter is not closed")
	return frontmatter{}, false
}

// isFence reports whether a line opens or closes frontmatter.
func isFence(line string) bool { return strings.TrimRight(line, " \t") == "---" }

// lostFrontmatter adds an error if a file without frontmatter seems to have one
// below its first line, where no program would read it.
func (s *source) lostFrontmatter(known []string) {
	const lines = 20 // that may be before it
	key := regexp.MustCompile(`^ {0,3}["']?([\w-]+)["']?[ \t]*:([ \t]|$)`)
	for n, at := 1, 0; n <= lines && at < len(s.src); n++ {
		line, next := nextLine(s.src, at)
		m := key.FindStringSubmatch(line)
		below, rest := nextLine(s.src, next)
		fenced := isFence(strings.TrimLeft(line, " ")) && key.MatchString(below) && hasFence(s.src[rest:])
		if fenced || m != nil && slices.Contains(known, m[1]) {
			s.fail(Pos{n, 1}, "lost-frontmatter", `write "---" in the first line, with nothing before it`,
				"this looks like frontmatter, and is not read: it does not begin in the first line")
			return
		}
		at = next
	}
}

// hasFence reports whether a line of text closes frontmatter.
func hasFence(text []byte) bool { return regexp.MustCompile(`(?m)^ *---[ \t]*\r?$`).Match(text) }

// conflict adds an error if text, which begins at an offset of the file, has the
// markers of a merge conflict, and reports whether it did.
func (s *source) conflict(text []byte, start int) bool {
	if !slices.ContainsFunc([]string{"<<<<<<<", ">>>>>>>", "|||||||"}, func(m string) bool { return bytes.Contains(text, []byte(m)) }) {
		return false // most files
	}
	marker := regexp.MustCompile(`(?m)^(<{7}|>{7}|\|{7})([ \t].*)?\r?$`).FindSubmatchIndex(text)
	if marker == nil {
		return false
	}
	s.fail(s.pos(start+marker[0]), "merge-conflict", "resolve it and remove the markers",
		"the file has the marker %q of a merge conflict", text[marker[2]:marker[3]])
	return true
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
	text := s.src[start:end]
	if len(text) > frontmatterLimit {
		s.fail(Pos{frontLine, 1}, "too-large", "move texts into the body, or into files of their own",
			"the frontmatter has more than %d KiB", frontmatterLimit>>10)
		return nil
	}
	if s.conflict(text, start) || !s.isPlainText(start, end) {
		return nil
	}
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

// misspelt reports keys that are almost those that are known: what they say would
// have no effect.
func (s *source) misspelt(mapping *yaml.Node, known []string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		if slices.Contains(known, key.Value) {
			continue
		}
		if near := nearKey(key.Value, known); near != "" {
			s.fail(s.nodePos(key), "misspelt-key", fmt.Sprintf("did you mean %q?", near), "unknown key %q", key.Value)
		}
	}
}

// nearKey returns the known key that a key stands for but for its spelling; "" if
// there is none.
func nearKey(key string, known []string) string {
	folded := func(word string) string {
		return strings.TrimSuffix(strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(word)), "s")
	}
	for _, k := range known {
		if folded(key) == folded(k) {
			return k
		}
	}
	return suggest(strings.ToLower(key), known)
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
