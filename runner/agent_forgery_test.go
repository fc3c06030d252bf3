package runner

import (
	"reflect"
	"testing"
	"time"

	"chant/spec"
)

// TestSameMeta sets every field of a frontmatter in turn: one that sameMeta
// forgets could be changed by an agent.
func TestSameMeta(t *testing.T) {
	t.Parallel()
	if !sameMeta(spec.Meta{}, spec.Meta{}) {
		t.Error("two empty ones differ")
	}
	kind := reflect.TypeFor[spec.Meta]()
	for i := range kind.NumField() {
		for name, changed := range settings(kind.Field(i).Type) {
			var m spec.Meta
			reflect.ValueOf(&m).Elem().Field(i).Set(changed)
			if sameMeta(spec.Meta{}, m) || sameMeta(m, spec.Meta{}) {
				t.Errorf("%s%s does not count", kind.Field(i).Name, name)
			}
		}
	}
	moved := spec.Meta{TargetFiles: []spec.Item{{Value: "a", Pos: spec.Pos{Line: 2}}}}
	if !sameMeta(moved, spec.Meta{TargetFiles: []spec.Item{{Value: "a", Pos: spec.Pos{Line: 9}}}}) {
		t.Error("where an item stands counts")
	}
}

// settings gives values of a type that are not its zero value: one for every
// field that it holds, however deep, by the field's name.
func settings(kind reflect.Type) map[string]reflect.Value {
	made, deeper := map[string]reflect.Value{}, reflect.New(kind).Elem()
	switch {
	case kind == reflect.TypeFor[time.Time]():
		made[""] = reflect.ValueOf(time.Unix(1, 0).UTC())
	case kind == reflect.TypeFor[spec.Item](): // its place does not count
		made[".Value"] = reflect.ValueOf(spec.Item{Value: "x"})
	case kind.Kind() == reflect.String:
		deeper.SetString("x")
		made[""] = deeper
	case kind.Kind() == reflect.Bool:
		deeper.SetBool(true)
		made[""] = deeper
	case kind.Kind() == reflect.Slice:
		for name, element := range settings(kind.Elem()) {
			made["[]"+name] = reflect.Append(reflect.MakeSlice(kind, 0, 1), element)
		}
	case kind.Kind() == reflect.Struct:
		for i := range kind.NumField() {
			for name, value := range settings(kind.Field(i).Type) {
				whole := reflect.New(kind).Elem()
				whole.Field(i).Set(value)
				made["."+kind.Field(i).Name+name] = whole
			}
		}
	}
	return made
}

func TestForgery(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	gate := spec.Approval{Required: true}
	approved := spec.Approval{Required: true, Status: spec.Approved, By: "A", At: now, Digest: "d"}
	box := func(text string, ticked bool) []spec.Criterion { return []spec.Criterion{{Text: text, Ticked: ticked}} }
	tests := []struct {
		name    string
		was, is spec.Spec
		want    string
	}{
		{"nothing", spec.Spec{}, spec.Spec{}, ""},
		{"prose, labels and dependencies", spec.Spec{}, spec.Spec{Title: "T", Meta: spec.Meta{Labels: []string{"x"}, DependsOn: []spec.Item{{Value: "1"}}}}, ""},
		{"paused", spec.Spec{}, spec.Spec{Meta: spec.Meta{Status: spec.StatusPaused}}, ""},
		{"completed", spec.Spec{}, spec.Spec{Meta: spec.Meta{Status: spec.StatusCompleted}}, "a completion"},
		{"completed at", spec.Spec{}, spec.Spec{Meta: spec.Meta{CompletedAt: now}}, "a completion"},
		{"reopened", spec.Spec{Meta: spec.Meta{Status: spec.StatusCompleted}}, spec.Spec{}, ""},
		{"commits", spec.Spec{}, spec.Spec{Meta: spec.Meta{Commits: []string{"c"}}}, "commits"},
		{"attested", spec.Spec{}, spec.Spec{Meta: spec.Meta{Attested: []spec.Attestation{{By: "A"}}}}, "an attestation"},
		{"a new gate", spec.Spec{}, spec.Spec{Meta: spec.Meta{Approval: gate}}, ""},
		{"approved", spec.Spec{Meta: spec.Meta{Approval: gate}}, spec.Spec{Meta: spec.Meta{Approval: approved}}, "another approval"},
		{"no gate", spec.Spec{Meta: spec.Meta{Approval: gate}}, spec.Spec{}, "another approval"},
		{"skipped", spec.Spec{}, spec.Spec{Meta: spec.Meta{Skipped: spec.Skip{Reason: "r"}}}, "a reason to skip it"},
		{"ticked", spec.Spec{Criteria: box("a", false)}, spec.Spec{Criteria: box("a", true)}, "a tick"},
		{"ticked under another name", spec.Spec{Criteria: box("a", true)}, spec.Spec{Criteria: box("b", true)}, "a tick"},
		{"unticked", spec.Spec{Criteria: box("a", true)}, spec.Spec{Criteria: box("a", false)}, ""},
	}
	for _, tt := range tests {
		if got := forgery(&tt.was, &tt.is); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
