package cmd

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"chant/runner/record"
)

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
		if f.Rule == record.RuleUnproven && !strict {
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
