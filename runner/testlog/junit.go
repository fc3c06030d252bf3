package testlog

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// junitSuite is a <testsuite>, or the <testsuites> around them. There is no one schema; these
// are the elements that runners agree on, and those with which Surefire and nextest report
// reruns, which no library reads.
type junitSuite struct {
	XMLName xml.Name
	Suites  []junitSuite `xml:"testsuite"`
	Cases   []junitCase  `xml:"testcase"`
}

type junitCase struct {
	Class    string     `xml:"classname,attr"`
	Name     string     `xml:"name,attr"`
	Status   string     `xml:"status,attr"` // GoogleTest: "notrun" for a disabled test
	Failures []struct{} `xml:"failure"`
	Errors   []struct{} `xml:"error"`
	Flaky    []struct{} `xml:"flakyFailure"`
	FlakyErr []struct{} `xml:"flakyError"`
	Skipped  *struct {
		Type string `xml:"type,attr"`
	} `xml:"skipped"`
}

// readJUnit returns one report for all files of a run.
func readJUnit(files [][]byte) ([]RunnerReport, error) {
	d := &draft{runner: "JUnit XML"}
	d.ended("")
	for _, file := range files {
		suite, err := parseJUnit(file)
		if err != nil {
			return nil, err
		}
		suite.note(d)
	}
	s := d.now()
	s.complete()
	return []RunnerReport{s.RunnerReport}, nil
}

// parseJUnit reads one file. A file that a crash has cut short is an error.
func parseJUnit(file []byte) (junitSuite, error) {
	var suite junitSuite
	decoder := xml.NewDecoder(bytes.NewReader(file))
	if err := decoder.Decode(&suite); err != nil {
		return suite, fmt.Errorf("reading JUnit XML: %w", err)
	}
	if name := suite.XMLName.Local; name != "testsuites" && name != "testsuite" {
		return suite, fmt.Errorf("reading JUnit XML: <%s> is not <testsuites> or <testsuite>", name)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) && err != nil {
		return suite, fmt.Errorf("reading JUnit XML: %w", err)
	}
	return suite, nil
}

func (s junitSuite) note(d *draft) {
	for _, c := range s.Cases {
		c.note(d)
	}
	for _, inner := range s.Suites {
		inner.note(d)
	}
}

// note notes the result of one test. A test that is reported as failed, and then as passed,
// was run again.
func (c junitCase) note(d *draft) {
	name := c.Name
	if c.Class != "" && c.Class != c.Name {
		name = c.Class + "." + c.Name
	}
	switch {
	case len(c.Failures)+len(c.Errors) > 0:
		d.event(name, Failed)
	case c.Skipped != nil && strings.HasSuffix(c.Skipped.Type, "xfail"):
		d.event(name, ExpectedFailure)
	case c.Skipped != nil, c.Status == "notrun":
		d.event(name, Skipped)
	case d.has(Event{name, Failed}):
		d.only(name, Passed)
		d.event(name, Rerun)
	default:
		d.event(name, Passed)
		if len(c.Flaky)+len(c.FlakyErr) > 0 {
			d.event(name, Rerun)
		}
	}
}
