package spec

import (
	"time"

	"gopkg.in/yaml.v3"
)

// meta fills the Meta of sp from the frontmatter's mapping. It reads nodes and
// typed fields only: decoded into any, the id 002 would become the number 2.
func (s *source) meta(root *yaml.Node, sp *Spec) {
	if root == nil {
		return
	}
	m := &sp.Meta
	sp.at = map[string]Pos{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], target(root.Content[i+1])
		sp.at[key.Value] = s.nodePos(root.Content[i+1])
		if isNull(value) {
			continue // "key:" without a value
		}
		switch key.Value {
		case "type":
			m.Type = s.scalar(key, value)
		case "phase":
			m.Phase = s.scalar(key, value)
		case "status":
			m.Status = Status(s.scalar(key, value))
		case "depends_on":
			m.DependsOn = s.items(key, value)
		case "target_files":
			m.TargetFiles = s.items(key, value)
		case "informed_by":
			m.InformedBy = s.items(key, value)
		case "prompt":
			m.Prompt = s.scalar(key, value)
		case "model":
			m.Model = s.scalar(key, value)
		case "agent":
			m.Agent = s.scalar(key, value)
		case "labels":
			m.Labels = texts(s.items(key, value))
		case "commits":
			m.Commits = texts(s.items(key, value))
		case "completed_at":
			m.CompletedAt = s.timestamp(key, value)
		case "approval":
			m.Approval = s.approval(key, value)
		case "attested":
			m.Attested = s.attested(key, value)
		case "skipped":
			m.Skipped = s.skip(key, value)
		}
	}
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

// fields calls read for every key of a map that has a value. Aliases are
// resolved.
func (s *source) fields(key, value *yaml.Node, read func(key, value *yaml.Node)) {
	if value.Kind != yaml.MappingNode {
		s.wrongShape(key, value, "be a map")
		return
	}
	s.keys(value)
	for i := 0; i+1 < len(value.Content); i += 2 {
		if v := target(value.Content[i+1]); !isNull(v) {
			read(value.Content[i], v)
		}
	}
}

func (s *source) approval(key, value *yaml.Node) Approval {
	var a Approval
	s.fields(key, value, func(k, v *yaml.Node) {
		switch k.Value {
		case "required":
			if err := v.Decode(&a.Required); err != nil {
				s.fail(s.nodePos(v), "wrong-shape", "", "required must be true or false")
			}
		case "status":
			a.Status = s.scalar(k, v)
		case "by":
			a.By = s.scalar(k, v)
		case "at":
			a.At = s.timestamp(k, v)
		case "digest":
			a.Digest = s.scalar(k, v)
		}
	})
	return a
}

func (s *source) skip(key, value *yaml.Node) Skip {
	var skip Skip
	s.fields(key, value, func(k, v *yaml.Node) {
		switch k.Value {
		case "reason":
			skip.Reason = s.scalar(k, v)
		case "by":
			skip.By = s.scalar(k, v)
		case "at":
			skip.At = s.timestamp(k, v)
		}
	})
	return skip
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
		s.fields(key, n, func(k, v *yaml.Node) {
			switch k.Value {
			case "criterion":
				a.Criterion = s.scalar(k, v)
			case "by":
				a.By = s.scalar(k, v)
			case "at":
				a.At = s.timestamp(k, v)
			case "note":
				a.Note = s.scalar(k, v)
			}
		})
		list = append(list, a)
	}
	return list
}
