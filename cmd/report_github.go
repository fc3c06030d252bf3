package cmd

import (
	"fmt"
	"io"
	"strings"

	"chant/runner/record"
)

// annotationLimit is the number of error annotations that GitHub shows for a step.
// It drops the rest silently, so the last one says how many more there are.
// Source: the workflow commands of actions/toolkit (command.ts) and the limits of
// its problem matchers.
const annotationLimit = 10

// writeGitHub writes workflow commands that annotate the spec files.
func writeGitHub(w io.Writer, v verification) error {
	var notes []string
	note := func(path string, line int, title, message string) {
		notes = append(notes, fmt.Sprintf("::error file=%s,line=%d,title=%s::%s",
			escapeProperty(clean(path)), max(line, 1), escapeProperty(clean(title)), escapeData(clean(message))))
	}
	for _, s := range v.Specs {
		if s.Error != "" {
			note(s.Path, 1, s.ID, s.Error)
		}
		for _, r := range s.Criteria {
			if !r.Outcome.Met() && r.Outcome != record.Unattested {
				note(s.Path, r.Line, s.ID, fmt.Sprintf("%d. %s — %s", r.Number, r.Text, resultText(r)))
			}
		}
		for _, f := range s.Findings {
			if f.Rule != record.RuleUnproven || v.strict {
				note(s.Path, f.Line, s.ID, f.Text)
			}
		}
	}
	if extra := len(notes) - (annotationLimit - 1); extra > 1 {
		notes = append(notes[:annotationLimit-1], fmt.Sprintf("::error title=chant verify::%d more, see the log", extra))
	}
	for _, n := range notes {
		if _, err := fmt.Fprintln(w, n); err != nil {
			return err
		}
	}
	return nil
}

func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(s))
}
