package cmd

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"chant/runner/project"
	"chant/runner/record"
	"chant/storage/atomicfile"
)

// reportTo is one --report flag.
type reportTo struct {
	format string
	file   string // "" or "-" means stdout
}

func (r reportTo) toStdout() bool { return r.file == "" || r.file == "-" }

// reportFormats returns the writer of each format.
func reportFormats() map[string]func(w io.Writer, v verification) error {
	return map[string]func(io.Writer, verification) error{
		"json":     func(w io.Writer, v verification) error { return writeJSON(w, v.json()) },
		"junit":    writeJUnit,
		"markdown": writeMarkdown,
		"github":   writeGitHub,
	}
}

func parseReports(args []string) ([]reportTo, error) {
	known := reportFormats()
	var list []reportTo
	for _, arg := range args {
		format, file, _ := strings.Cut(arg, "=")
		if known[format] == nil {
			return nil, &project.UsageError{
				Msg: fmt.Sprintf("invalid report format %q", format), Mend: "json, junit, markdown or github, each with an optional =FILE",
			}
		}
		list = append(list, reportTo{format, file})
	}
	return list, nil
}

// writeReport writes one report. A file is replaced as a whole.
func (a *App) writeReport(r reportTo, v verification) error {
	var b bytes.Buffer
	err := reportFormats()[r.format](&b, v)
	switch {
	case err != nil:
	case r.toStdout():
		_, err = a.Out.Write(b.Bytes())
	default:
		err = atomicfile.Write(a.path(r.file), b.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the %s report: %w", r.format, err)
	}
	return nil
}

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
			if !f.Minor() || v.strict {
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
			if f.Minor() && !v.strict {
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

// JUnit XML has no standard; these are the elements that GitHub, GitLab and
// Jenkins all read. A test case is a criterion or a finding, not a single run:
// readers drop cases with the same name. All texts are cleaned, because XML 1.0
// can't contain most control characters.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Stamp    string       `xml:"timestamp,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	File     string      `xml:"file,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	File    string     `xml:"file,attr"`
	Line    int        `xml:"line,attr"`
	Failure *junitNote `xml:"failure"`
	Error   *junitNote `xml:"error"`
	Skipped *junitNote `xml:"skipped"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

func writeJUnit(w io.Writer, v verification) error {
	all := junitSuites{Name: "chant verify", Time: seconds(v.DurationMS), Stamp: v.Started.Format(time.RFC3339)}
	for _, s := range v.Specs {
		suite := junitSuiteOf(s, v.strict)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Skipped += suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	out, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, out)
	return err
}

func junitSuiteOf(s record.Verified, strict bool) junitSuite {
	suite := junitSuite{Name: clean(s.ID), File: clean(s.Path)}
	total := int64(0)
	add := func(c junitCase) {
		c.Class, c.File, c.Name = clean(s.ID), clean(s.Path), clean(c.Name)
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, c)
	}
	for _, r := range s.Criteria {
		c := junitCase{Name: fmt.Sprintf("%d. %s", r.Number, r.Text), Line: r.Line, Time: seconds(0)}
		if r.Check != nil {
			total += r.Check.DurationMS
			c.Time = seconds(r.Check.DurationMS)
		}
		c.judge(r)
		add(c)
	}
	for _, f := range s.Findings {
		if f.Minor() && !strict {
			continue // its criterion is reported as skipped
		}
		add(junitCase{Name: fmt.Sprintf("%s in line %d", f.Rule, f.Line), Line: f.Line, Time: seconds(0),
			Failure: &junitNote{Message: clean(f.Text), Type: f.Rule}})
	}
	if s.Error != "" {
		add(junitCase{Name: "spec file", Line: 1, Time: seconds(0), Error: &junitNote{Message: clean(s.Error), Type: "invalid"}})
	}
	suite.Time = seconds(total)
	return suite
}

// judge sets failure, error or skipped for a criterion that was not met.
func (c *junitCase) judge(r record.Result) {
	if r.Outcome.Met() {
		return
	}
	note := &junitNote{Message: clean(resultText(r)), Type: string(r.Outcome)}
	if r.Check != nil {
		note.Text = cleanLines(r.Check.Output)
	}
	switch r.Outcome {
	case record.Unattested:
		c.Skipped = note
	case record.NotStarted, record.Killed, record.TimedOut, record.Interrupted:
		c.Error = note
	default:
		c.Failure = note
	}
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }
