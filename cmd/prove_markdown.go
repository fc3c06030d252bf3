package cmd

import (
	"fmt"
	"io"
	"strings"

	"chant/runner/record"
	"chant/spec"
)

// writeProofsMarkdown writes the proofs for a pull request on GitHub or GitLab: a
// table for each, with long texts folded.
func writeProofsMarkdown(w io.Writer, proofs []record.Proof) error {
	var b strings.Builder
	for _, p := range proofs {
		markdownProof(&b, p)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing output: %w", err)
	}
	return nil
}

func markdownProof(b *strings.Builder, p record.Proof) {
	mark := "❌"
	switch p.Verdict {
	case record.Proven:
		mark = "✅"
	case record.Inconclusive:
		mark = "⚠️"
	}
	fmt.Fprintf(b, "### %s %s: %s\n\n", mark, cell(p.Fix), cell(string(p.Verdict)))
	fmt.Fprintf(b, "%s\n\n", cell(reasonOf(p)))
	for _, words := range p.Warnings {
		fmt.Fprintf(b, "⚠️ %s\n\n", cell(words))
	}
	fmt.Fprintf(b, "Reproduced by %s. Base %s; head %s.\n\n", cell(p.Reproduction), cell(revision(p.Base)), cell(revision(p.Head)))
	b.WriteString("| cell | tree | wanted | runs | outcomes |\n| --- | --- | --- | --- | --- |\n")
	for _, row := range cellRows(p)[1:] {
		for _, one := range row {
			fmt.Fprintf(b, "| %s ", cell(strings.TrimSpace(one.s)))
		}
		b.WriteString("|\n")
	}
	for _, words := range append(statistics(p), scope) {
		fmt.Fprintf(b, "\n%s\n", cell(words))
	}
	for _, c := range p.Checks {
		folded(b, fmt.Sprintf("The check: %s", c.Text), c.Command)
	}
	if !p.Intact.Same && p.Intact.Diff != "" {
		folded(b, "How the test was changed", p.Intact.Diff)
	}
	if len(p.Changed) > 0 {
		var paths strings.Builder
		for _, one := range mostRelevant(p.Changed, foldedPaths) {
			fmt.Fprintf(&paths, "%-8s green: %-7s causal: %-7s %s\n", one.Class, one.Green, one.Causal, clean(one.Path))
		}
		if more := len(p.Changed) - foldedPaths; more > 0 {
			fmt.Fprintf(&paths, "… and %d more\n", more)
		}
		folded(b, "Changed between base and head: "+plural(len(p.Changed), "path"), paths.String())
	}
	b.WriteString("\n")
}

// folded writes a text that is shown when a reader clicks on its title.
func folded(b *strings.Builder, title, body string) {
	block := escapeCommands(spec.Fenced("", strings.TrimRight(cleanLines(body), "\n")))
	fmt.Fprintf(b, "\n<details><summary>%s</summary>\n\n%s\n</details>\n", cell(title), block)
}

// escapeCommands escapes the workflow commands of GitHub, which would have an
// effect if the Markdown is printed to a job's log.
func escapeCommands(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			line = "\u200b" + line
		}
		lines[i] = strings.ReplaceAll(line, "##[", "#\u200b#[")
	}
	return strings.Join(lines, "\n")
}
