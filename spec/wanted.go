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

type wantKind int

const (
	wantScalar wantKind = iota
	wantList
	wantMap
)

// wanted is the value that a key of the frontmatter should have.
type wanted struct {
	key    string
	kind   wantKind
	fields []field   // the only field of a scalar, or the fields of a map
	names  []string  // all fields that the map can have, in the order written
	items  [][]field // the items of a list
	value  any
}

// newWanted converts a value of one of the types of SetKey.
func newWanted(key string, value any) (wanted, error) {
	w := wanted{key: key, value: value}
	switch v := value.(type) {
	case string:
		w.fields = []field{{value: v, plain: key == "completed_at" && isTime(v)}}
	case []string:
		w.kind, w.items = wantList, textItems(v)
	case []Attestation:
		w.kind, w.items = wantList, attestationItems(v)
	case Approval:
		w.kind, w.names, w.fields = wantMap, []string{"required", "status", "by", "at", "digest"}, approvalFields(v)
	case Skip:
		w.kind, w.names, w.fields = wantMap, []string{"reason", "by", "at"}, skipFields(v)
	default:
		return wanted{}, fmt.Errorf("a value of type %T can't be written", value)
	}
	for _, f := range append(slices.Concat(w.items...), append(w.fields, field{value: key})...) {
		if !utf8.ValidString(f.value) {
			return wanted{}, fmt.Errorf("%q is not UTF-8", f.value)
		}
	}
	return w, nil
}

// readFrom reports whether a node has the wanted value.
func (w wanted) readFrom(s *source, n *yaml.Node) bool {
	n = target(n)
	switch w.kind {
	case wantScalar:
		return n.Kind == yaml.ScalarNode && n.Value == w.fields[0].value
	case wantMap:
		return n.Kind == yaml.MappingNode && slices.Equal(w.fieldsOf(s, n), w.fields)
	default:
		return slices.EqualFunc(w.itemsOf(s, n), w.items, slices.Equal)
	}
}

// fieldsOf reads a node as a map of the wanted type and returns its fields.
func (w wanted) fieldsOf(s *source, n *yaml.Node) []field {
	quiet := &source{src: s.src, starts: s.starts} // its problems are ignored
	if _, ok := w.value.(Skip); ok {
		return skipFields(quiet.skip(n, n))
	}
	return approvalFields(quiet.approval(n, n))
}

// itemsOf reads a node as a list of the wanted type and returns its items.
func (w wanted) itemsOf(s *source, n *yaml.Node) [][]field {
	quiet := &source{src: s.src, starts: s.starts}
	if _, ok := w.value.([]Attestation); ok {
		return attestationItems(quiet.attested(n, n))
	}
	return textItems(texts(quiet.items(n, n)))
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
		items = append(items, slices.Concat(
			[]field{{key: "criterion", value: a.Criterion}},
			textField("by", a.By), timeField("at", a.At), textField("note", a.Note),
		))
	}
	return items
}

func approvalFields(a Approval) []field {
	return slices.Concat(
		[]field{{key: "required", value: strconv.FormatBool(a.Required), plain: true}},
		textField("status", a.Status), textField("by", a.By), timeField("at", a.At), textField("digest", a.Digest),
	)
}

func skipFields(k Skip) []field {
	return slices.Concat(textField("reason", k.Reason), textField("by", k.By), timeField("at", k.At))
}

func textField(key, value string) []field {
	if value == "" {
		return nil
	}
	return []field{{key: key, value: value}}
}

func timeField(key string, t time.Time) []field {
	if t.IsZero() {
		return nil
	}
	return []field{{key: key, value: t.UTC().Format(time.RFC3339), plain: true}}
}

// renderEntry returns a key and its value as lines.
func renderEntry(indent int, w wanted, ending string) string {
	head := strings.Repeat(" ", indent) + yamlText(w.key) + ":"
	var sb strings.Builder
	switch {
	case w.kind == wantScalar:
		return head + " " + w.fields[0].text(0) + ending
	case w.kind == wantList && len(w.items) == 0:
		return head + " []" + ending
	case w.kind == wantMap && len(w.fields) == 0:
		return head + " {}" + ending
	}
	sb.WriteString(head + ending)
	for _, item := range w.items {
		sb.WriteString(renderItem(indent, item, ending))
	}
	for _, f := range w.fields {
		sb.WriteString(renderField(indent+2, f, ending))
	}
	return sb.String()
}

// renderItem returns a list item as lines.
func renderItem(indent int, item []field, ending string) string {
	lead := strings.Repeat(" ", indent) + "- "
	if item[0].key == "" {
		return lead + item[0].text(0) + ending
	}
	var sb strings.Builder
	for _, f := range item {
		sb.WriteString(renderField(indent+2, f, ending))
	}
	return lead + sb.String()[len(lead):]
}

func renderField(indent int, f field, ending string) string {
	return strings.Repeat(" ", indent) + f.key + ": " + f.text(0) + ending
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
// text. The escapes of strconv.Quote are valid in YAML's double quotes.
func yamlText(s string) string {
	if isPrintable(s) && !readsAsOther(s) {
		root, err := decodeYAML([]byte("k: " + s + "\n"))
		if err == nil && root != nil && root.Kind == yaml.MappingNode && len(root.Content) == 2 {
			if n := root.Content[1]; n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == s && n.ShortTag() == "!!str" {
				return s
			}
		}
	}
	return strconv.Quote(s)
}

func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// readsAsOther reports whether a parser of YAML 1.1 or 1.2 could read an unquoted
// text as a number, a date or a keyword. A commit hash such as 12e4567 is a
// number.
func readsAsOther(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", "---", "...":
		return true
	}
	number := regexp.MustCompile(`(?i)^[-+]?(\.inf|\.nan|0[box][0-9a-f_]+|[0-9._,:]+(e[-+]?[0-9]+)?)$|^\d{4}-\d\d?-\d\d?`)
	return number.MatchString(s)
}
