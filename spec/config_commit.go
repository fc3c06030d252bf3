package spec

import (
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// The subjects of a run's two commits if the config has none.
const (
	defaultSubject  = "chant({{spec.id}}): {{message}}"
	defaultComplete = "chant({{spec.id}}): complete"
)

// CommitSubjects are the templates of the subjects of a run's two commits: of the
// work, and of the spec that is completed by it. The zero value stands for the
// default ones.
type CommitSubjects struct{ work, complete string }

// Work returns the subject of the commit of the work. The message is what the user
// asked for, or the title.
func (c CommitSubjects) Work(s *Spec, message string) string {
	return expandSubject(c.work, defaultSubject, s, message)
}

// Complete returns the subject of the commit that completes the spec.
func (c CommitSubjects) Complete(s *Spec) string {
	return expandSubject(c.complete, defaultComplete, s, s.Title)
}

func expandSubject(template, byDefault string, s *Spec, message string) string {
	if template == "" {
		template = byDefault
	}
	text, _ := Expand("", []byte(template), subjectVariables(s, message)) // its variables were checked when it was read
	return text
}

func subjectVariables(s *Spec, message string) map[string]string {
	return map[string]string{"spec.id": s.ID, "spec.title": s.Title, "message": message}
}

// subject reads one template: a single line with known variables.
func (s *configFile) subject(key, value *yaml.Node) string {
	template := s.scalar(key, value)
	known := subjectVariables(&Spec{}, "")
	for _, v := range variables([]byte(template)) {
		if _, ok := known[v.name]; !ok {
			s.fail(s.nodePos(value), "config-value", oneOf(v.name, slices.Sorted(maps.Keys(known))), "unknown variable %q", v.name)
			return ""
		}
	}
	if value.Kind == yaml.ScalarNode && (strings.TrimSpace(template) == "" || strings.ContainsAny(template, "\r\n")) {
		s.fail(s.nodePos(value), "config-value", "", "%s must be one line of text", key.Value)
		return ""
	}
	return template
}
