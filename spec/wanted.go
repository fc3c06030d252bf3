package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// field is one "key: value" of a map. A text in a list and a single value are
// fields without a key.
type field struct {
	key, value string
	plain      bool // never quoted: a time or a boolean
}

// wanted is the value that a key of the frontmatter should have.
type wanted struct {
	key   string
	kind  yaml.Kind // a scalar, a list or a map
	items [][]field // of a list; a scalar is one item with one field, a map is one item
	names []string  // all fields that a map can have, in the order written
	read  func(s *source, n *yaml.Node) [][]field
}

// newWanted converts a value of one of the types of SetKey.
func newWanted(key string, value any) (wanted, error) {
	w := wanted{key: key, kind: yaml.SequenceNode}
	switch v := value.(type) {
	case string:
		_, err := time.Parse(time.RFC3339, v)
		w.kind, w.items = yaml.ScalarNode, [][]field{{{value: v, plain: key == "completed_at" && err == nil}}}
	case []string:
		w.items = textItems(v)
		w.read = func(s *source, n *yaml.Node) [][]field { return textItems(s.texts(n, n)) }
	case []Attestation:
		w.items = attestationItems(v)
		w.read = func(s *source, n *yaml.Node) [][]field { return attestationItems(s.attested(n, n)) }
	case Approval:
		w.setMap(v.fields(), func() []recordField { return new(Approval).fields() })
	case Skip:
		w.setMap(v.fields(), func() []recordField { return new(Skip).fields() })
	default:
		return wanted{}, fmt.Errorf("a value of type %T can't be written", value)
	}
	for _, f := range append(slices.Concat(w.items...), field{value: key}) {
		if !utf8.ValidString(f.value) {
			return wanted{}, fmt.Errorf("%q is not UTF-8", f.value)
		}
	}
	return w, nil
}

// setMap sets a map with the given fields; empty returns such fields without
// values.
func (w *wanted) setMap(record []recordField, empty func() []recordField) {
	w.kind, w.items = yaml.MappingNode, [][]field{fieldsOf(record)}
	for _, f := range record {
		w.names = append(w.names, f.name)
	}
	w.read = func(s *source, n *yaml.Node) [][]field {
		read := empty()
		s.record(read)(n, n)
		return [][]field{fieldsOf(read)}
	}
}

// readFrom reports whether a node has the wanted value.
func (w wanted) readFrom(s *source, n *yaml.Node) bool {
	n = target(n)
	switch {
	case w.kind == yaml.ScalarNode:
		return n.Kind == w.kind && n.Value == w.items[0][0].value
	case w.kind == yaml.MappingNode && n.Kind != w.kind:
		return false
	}
	return slices.EqualFunc(w.itemsOf(s, n), w.items, slices.Equal)
}

// itemsOf reads a node as a value of the wanted type. Its problems are ignored.
func (w wanted) itemsOf(s *source, n *yaml.Node) [][]field {
	return w.read(&source{src: s.src, starts: s.starts}, n)
}

func textItems(list []string) [][]field {
	var items [][]field
	for _, text := range list {
		items = append(items, []field{{value: text}})
	}
	return items
}

func attestationItems(list []Attestation) [][]field {
	var items [][]field
	for _, a := range list {
		items = append(items, fieldsOf(a.fields()))
	}
	return items
}

// fieldsOf returns the fields that have a value. A bool always has one.
func fieldsOf(record []recordField) []field {
	var fields []field
	for _, f := range record {
		switch v := f.value.(type) {
		case *bool:
			fields = append(fields, field{f.name, strconv.FormatBool(*v), true})
		case *string:
			if *v != "" {
				fields = append(fields, field{key: f.name, value: *v})
			}
		case *time.Time:
			if !v.IsZero() {
				fields = append(fields, field{f.name, v.UTC().Format(time.RFC3339), true})
			}
		}
	}
	return fields
}

// renderEntry returns a key and its value as lines.
func renderEntry(indent int, w wanted, ending string) string {
	lines := strings.Repeat(" ", indent) + yamlText(w.key) + ":"
	switch {
	case w.kind == yaml.ScalarNode:
		return lines + " " + w.items[0][0].text(0) + ending
	case len(w.items) == 0:
		return lines + " []" + ending
	case w.kind == yaml.MappingNode && len(w.items[0]) == 0:
		return lines + " {}" + ending
	case w.kind == yaml.MappingNode:
		return lines + ending + renderFields(indent+2, w.items[0], ending)
	}
	lines += ending
	for _, item := range w.items {
		lines += renderItem(indent, item, ending)
	}
	return lines
}

// renderItem returns a list item as lines.
func renderItem(indent int, item []field, ending string) string {
	lead := strings.Repeat(" ", indent) + "- "
	switch {
	case len(item) == 0:
		return lead + "{}" + ending
	case item[0].key == "":
		return lead + item[0].text(0) + ending
	}
	return lead + renderFields(indent+2, item, ending)[len(lead):]
}

// renderFields returns the fields of a map as lines.
func renderFields(indent int, fields []field, ending string) string {
	var lines strings.Builder
	for _, f := range fields {
		lines.WriteString(strings.Repeat(" ", indent) + f.key + ": " + f.text(0) + ending)
	}
	return lines.String()
}

// text returns the field's value as YAML, if possible in the quoting style of the
// value that it replaces.
func (f field) text(style yaml.Style) string {
	switch {
	case style == yaml.DoubleQuotedStyle:
		return strconv.Quote(f.value)
	case style == yaml.SingleQuotedStyle && isPrintable(f.value):
		return "'" + strings.ReplaceAll(f.value, "'", "''") + "'"
	case f.plain:
		return f.value
	}
	return yamlText(f.value)
}

// yamlText writes a text as a YAML scalar that every YAML parser reads as this
// text. A parser of YAML 1.1 or 1.2 could read an unquoted one as a number, a date
// or a keyword; a commit hash such as 12e4567 is a number. The escapes of
// strconv.Quote are valid in YAML's double quotes.
func yamlText(s string) string {
	other := regexp.MustCompile(`(?i)^[-+]?(\.inf|\.nan|0[box][0-9a-f_]+|[0-9._,:]+(e[-+]?[0-9]+)?)$|^\d{4}-\d\d?-\d\d?|^(=|<<)$`)
	plain, err := yaml.Marshal(s)
	if err == nil && string(plain) == s+"\n" && isPrintable(s) && !other.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
