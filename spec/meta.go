package spec

import (
	"maps"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// readers hold a function for each known key of a mapping. It reads the value and
// reports what is wrong with it.
type readers map[string]func(key, value *yaml.Node)

// into returns a function for readers that stores what read returns.
func into[T any](target *T, read func(key, value *yaml.Node) T) func(key, value *yaml.Node) {
	return func(key, value *yaml.Node) { *target = read(key, value) }
}

// meta fills the Meta of sp from the frontmatter's mapping. It reads nodes and
// typed fields only: decoded into any, the id 002 would become the number 2.
func (s *source) meta(root *yaml.Node, sp *Spec) {
	if root == nil {
		return
	}
	m := &sp.Meta
	sp.at = map[string]Pos{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		sp.at[root.Content[i].Value] = s.nodePos(root.Content[i+1])
	}
	s.misspelt(root, specKeys())
	s.known(root, readers{
		"type":         into(&m.Type, s.scalar),
		"phase":        into(&m.Phase, s.scalar),
		"status":       into((*string)(&m.Status), s.scalar),
		"depends_on":   into(&m.DependsOn, s.items),
		"target_files": into(&m.TargetFiles, s.items),
		"informed_by":  into(&m.InformedBy, s.items),
		"prompt":       into(&m.Prompt, s.scalar),
		"model":        into(&m.Model, s.scalar),
		"agent":        into(&m.Agent, s.scalar),
		"labels":       into(&m.Labels, s.texts),
		"commits":      into(&m.Commits, s.texts),
		"completed_at": into(&m.CompletedAt, s.timestamp),
		"approval":     s.record(m.Approval.fields()),
		"attested":     into(&m.Attested, s.attested),
		"skipped":      s.record(m.Skipped.fields()),
	})
}

// specKeys returns the keys of specs. "commit" is one of older specs, without effect.
func specKeys() []string {
	return []string{
		"bug", "type", "phase", "status", "depends_on", "target_files", "informed_by", "prompt", "model", "agent", "labels",
		"commits", "completed_at", "approval", "attested", "skipped", "retired", "reopened", "commit",
	}
}

// entries calls read for every key of a mapping that has a value. Aliases are
// resolved.
func (s *source) entries(mapping *yaml.Node, read func(key, value *yaml.Node)) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if value := target(mapping.Content[i+1]); !isNull(value) {
			read(mapping.Content[i], value)
		}
	}
}

// known reads the known keys of a mapping.
func (s *source) known(mapping *yaml.Node, known readers) {
	s.entries(mapping, func(key, value *yaml.Node) {
		if read := known[key.Value]; read != nil {
			read(key, value)
		}
	})
}

// only reads the known keys of a mapping and adds a warning for any other key.
func (s *source) only(mapping *yaml.Node, known readers) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if key := mapping.Content[i]; known[key.Value] == nil {
			hint := DidYouMean(key.Value, slices.Sorted(maps.Keys(known)))
			s.warn(s.nodePos(key), "unknown-key", hint, "unknown key %q", key.Value)
		}
	}
	s.known(mapping, known)
}

// isMap reports whether a value is a map; if not, it adds an error.
func (s *source) isMap(key, value *yaml.Node) bool {
	if value.Kind != yaml.MappingNode {
		s.wrongShape(key, value, "be a map")
		return false
	}
	s.keys(value)
	return true
}

// target returns the node that an alias refers to, or any other node itself.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func (s *source) wrongShape(key, value *yaml.Node, want string) {
	s.fail(s.nodePos(value), "wrong-shape", "", "%s must %s, not %s", key.Value, want, kindName(value))
}

func (s *source) scalar(key, value *yaml.Node) string {
	if value.Kind != yaml.ScalarNode {
		s.wrongShape(key, value, "be a single value")
		return ""
	}
	return value.Value
}

func (s *source) item(key, value *yaml.Node) Item {
	return Item{Value: s.scalar(key, value), Pos: s.nodePos(value)}
}

// items reads a list of texts, or a single text.
func (s *source) items(key, value *yaml.Node) []Item {
	nodes := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		nodes = value.Content
	}
	var items []Item
	for _, n := range nodes {
		at := s.nodePos(n)
		n = target(n)
		switch {
		case n.Kind != yaml.ScalarNode:
			s.wrongShape(key, n, "be a list of texts, or one text")
		case isNull(n), n.Value == "":
			s.fail(at, "empty-entry", "remove it", "%s has an empty entry", key.Value)
		default:
			items = append(items, Item{Value: n.Value, Pos: at})
		}
	}
	return items
}

func (s *source) texts(key, value *yaml.Node) []string { return texts(s.items(key, value)) }

func texts(items []Item) []string {
	var out []string
	for _, it := range items {
		out = append(out, it.Value)
	}
	return out
}

// timestamp reads an RFC 3339 time and returns it in UTC.
func (s *source) timestamp(key, value *yaml.Node) time.Time {
	t, err := time.Parse(time.RFC3339, s.scalar(key, value))
	if err != nil {
		if value.Kind == yaml.ScalarNode {
			s.fail(s.nodePos(value), "bad-time", "write it like 2026-02-02T14:26:33Z",
				"%s %q is not an RFC 3339 time", key.Value, value.Value)
		}
		return time.Time{}
	}
	return t.UTC()
}

// recordField is a field of a map in the frontmatter: value points to a string, a
// bool or a time.Time.
type recordField struct {
	name  string
	value any
}

func (a *Approval) fields() []recordField {
	return []recordField{{"required", &a.Required}, {"status", &a.Status}, {"by", &a.By}, {"at", &a.At}, {"digest", &a.Digest}}
}

func (k *Skip) fields() []recordField {
	return []recordField{{"reason", &k.Reason}, {"by", &k.By}, {"at", &k.At}}
}

func (a *Attestation) fields() []recordField {
	return []recordField{{"criterion", &a.Criterion}, {"by", &a.By}, {"at", &a.At}, {"note", &a.Note}}
}

// record returns a function for readers that reads a map into fields.
func (s *source) record(fields []recordField) func(key, value *yaml.Node) {
	known, names := readers{}, []string{}
	for _, f := range fields {
		names = append(names, f.name)
		switch to := f.value.(type) {
		case *string:
			known[f.name] = into(to, s.scalar)
		case *time.Time:
			known[f.name] = into(to, s.timestamp)
		case *bool:
			known[f.name] = into(to, s.boolean)
		}
	}
	return func(key, value *yaml.Node) {
		if s.isMap(key, value) {
			s.misspelt(value, names)
			s.known(value, known)
		}
	}
}

func (s *source) boolean(key, value *yaml.Node) (b bool) {
	if err := value.Decode(&b); err != nil {
		s.fail(s.nodePos(value), "wrong-shape", "", "%s must be true or false", key.Value)
	}
	return b
}

func (s *source) attested(key, value *yaml.Node) []Attestation {
	if value.Kind != yaml.SequenceNode {
		s.wrongShape(key, value, "be a list of maps")
		return nil
	}
	var list []Attestation
	for _, n := range value.Content {
		n = target(n)
		if n.Kind != yaml.MappingNode {
			s.wrongShape(key, n, "hold maps")
			continue
		}
		var a Attestation
		s.record(a.fields())(key, n)
		list = append(list, a)
	}
	return list
}
