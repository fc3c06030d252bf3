package cmd

import (
	"fmt"
	"io"
	"strings"

	"chant/runner/record"
)

// writeMarkdown writes a table for a pull request or a job summary on GitHub or
// GitLab.
func writeMarkdown(w io.Writer, v verification) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### chant verify: %s\n\n%s: %s\n\n", v.headline().s, v.where(), plural(len(v.Specs), "spec"))
	b.WriteString("| spec | criterion | result |\n| --- | --- | --- |\n")
	for _, s := range v.Specs {
		if s.Error != "" {
			fmt.Fprintf(&b, "| %s | | ❌ %s |\n", cell(s.ID), cell(s.Error))
		}
		for _, r := range s.Criteria {
			fmt.Fprintf(&b, "| %s | %d. %s | %s %s |\n", cell(s.ID), r.Number, cell(r.Text), outcomeIcon(r.Outcome), cell(resultText(r)))
		}
		for _, f := range s.Findings {
			mark := "❌"
			if f.Rule == record.RuleUnproven && !v.strict {
				mark = "⚠️"
			}
			fmt.Fprintf(&b, "| %s | %s | %s %s |\n", cell(s.ID), cell(f.Rule), mark, cell(f.Text))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func outcomeIcon(o record.Outcome) string {
	switch {
	case o.Met():
		return "✅"
	case o == record.Unattested:
		return "⚠️"
	}
	return "❌"
}

// cell escapes a text for a table cell: it can't contain markup, end the cell or
// row, or mention a person or an issue.
func cell(s string) string {
	return strings.NewReplacer(
		"\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]",
		"~", "\\~", "$", "\\$", "<", "&lt;", ">", "&gt;", "&", "&amp;", "@", "@\u200b", "#", "#\u200b",
	).Replace(clean(s))
}
