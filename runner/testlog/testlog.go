// Package testlog reads what test runners say of their tests.
package testlog

import (
	"regexp"
	"strings"
)

// A Reader knows how one kind of test runner tells, in its output, that it
// tested nothing or that it could not build. Exit codes always come from
// chant's own wait: a recogniser can only take a result away, never give one.
type Reader struct {
	Runner  string
	Read    func(output string) Report
	unbuilt *regexp.Regexp // a line that says that the tests were never built; nil where there is none
}

// Readers are those of the usual runners.
type Readers []Reader

// Report is what a recogniser read: the zero value means that its runner did
// not speak.
type Report struct {
	Ran   bool   // a test ran, and passed or failed
	empty string // else the line that says that none did
}

// NewReaders lists the usual runners. The sources are the programs' own
// output: go 1.26 (cmd/go, testing), pytest 9, unittest of Python 3.11 and
// 3.12, cargo 1.95 (libtest), node 20 --test, jest 29 and vitest 3.
func NewReaders() Readers {
	return Readers{
		{"go test", goTest(), line(`^FAIL\t\S+ \[(?:build|setup) failed\]$`)},
		{"pytest", byLines(
			`^(?:=+ )?(?:.*, )?\d+ (?:passed|failed|errors?|xpassed|xfailed)\b.* in \d+\.\d\ds\b`,
			`^(?:=+ )?(?:no tests ran|\d+ (?:skipped|deselected)\b.*) in \d+\.\d\ds\b.*$`),
			line(`^!+ Interrupted: \d+ errors? during collection !+$`)},
		{"unittest", unittest(), line(`^ImportError: Failed to import test module: .*$`)},
		{"cargo test", byLines(
			`^test result: (?:ok|FAILED)\. (?:[1-9]\d* passed|\d+ passed; [1-9]\d* failed);`,
			`^test result: ok\. 0 passed; 0 failed;.*$`),
			line(`^error: (?:could not compile|no test target named) .*$`)},
		{"node --test", byLines(
			`^(?:#|ℹ) (?:pass|fail) [1-9]\d*$`,
			`^(?:#|ℹ) (?:tests|pass) 0$`), nil},
		{"jest", byLines(
			`^Tests:\s.*\b[1-9]\d* (?:passed|failed), `,
			`^(?:No tests found, exiting with code [01]|Tests:\s+(?:\d+ (?:skipped|todo), )+\d+ total)$`),
			line(`^\s*● Test suite failed to run$`)},
		{"vitest", byLines(
			`^\s+Tests  .*\b[1-9]\d* (?:passed|failed)\b`,
			`^(?:No test files found, exiting with code [01]|\s+Tests  \d+ (?:skipped|todo)\b.* \(\d+\))$`), nil},
	}
}

// byLines reads by the pattern of a line that only a test that ran leaves, and
// of one that says that none did.
func byLines(ran, empty string) func(output string) Report {
	ranLine, emptyLine := line(ran), line(empty)
	return func(output string) Report {
		if ranLine.MatchString(output) {
			return Report{Ran: true}
		}
		return Report{empty: emptyLine.FindString(output)}
	}
}

// goTest goes package by package, each of which ends with its result line: a
// cached result replays its "--- PASS" lines, and one package's passed tests
// say nothing about another's skipped ones.
func goTest() func(output string) Report {
	packageLine := regexp.MustCompile(`^(?:ok  |\?   )\t\S+\t(.*)$`)
	failLine := regexp.MustCompile(`^(?:FAIL\t\S+\t[0-9.]+s|\s*--- FAIL: .*)$`)
	testLine := regexp.MustCompile(`--- (PASS|SKIP): \S+ \(\d+\.\d\ds\)$`) // behind what the test printed, where that has no newline
	return func(output string) Report {
		var total, current Report
		empty := func(text string) {
			if total.empty == "" {
				total.empty = text
			}
		}
		for text := range strings.Lines(output) {
			text = strings.TrimSuffix(text, "\n")
			if failLine.MatchString(text) {
				return Report{Ran: true}
			}
			if found := testLine.FindStringSubmatch(text); found != nil {
				current.Ran = current.Ran || found[1] == "PASS"
				current.empty = text
			}
			if text == "testing: warning: no tests to run" {
				empty(text)
			}
			found := packageLine.FindStringSubmatch(text)
			switch {
			case found == nil:
				continue
			case isEmptyPackage(found[1]):
				empty(text)
			case current.Ran || current.empty == "": // without -v, tests that passed leave no line
				total.Ran = true
			default:
				empty(current.empty)
			}
			current = Report{}
		}
		total.Ran = total.Ran || current.Ran // a test binary run by itself has no result line
		empty(current.empty)
		return total
	}
}

// isEmptyPackage reads what follows the package in its result line.
func isEmptyPackage(result string) bool {
	return strings.HasPrefix(result, "(cached)") || strings.HasSuffix(result, "[no tests to run]") || result == "[no test files]"
}

// unittest compares numbers: "OK (skipped=N)" stands there also where other
// tests ran.
func unittest() func(output string) Report {
	ranLine := line(`^Ran (\d+) tests? in \d+\.\d{3}s$`)
	skippedLine := line(`^(?:OK|NO TESTS RAN) \(skipped=(\d+)\)$`)
	return func(output string) Report {
		all := ranLine.FindStringSubmatch(output)
		if all == nil {
			return Report{}
		}
		skipped := skippedLine.FindStringSubmatch(output)
		switch {
		case all[1] == "0":
			return Report{empty: all[0]}
		case skipped != nil && skipped[1] == all[1]:
			return Report{empty: skipped[0]}
		}
		return Report{Ran: true}
	}
}

func line(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)` + pattern)
}

func UnixLines(output string) string { return strings.ReplaceAll(output, "\r\n", "\n") }

// Untested says why a command's output shows that nothing was tested; it is
// empty where something was, or where no known runner spoke.
func (rs Readers) Untested(output string) string {
	output = UnixLines(output)
	why := ""
	for _, r := range rs {
		t := r.Read(output)
		if t.Ran {
			return ""
		}
		if t.empty != "" && why == "" {
			why = r.Runner + " tested nothing: " + strings.TrimSpace(t.empty)
		}
	}
	return why
}

// Unbuilt says why a failing command's output shows that the tests were never
// built, so that their failure says nothing about the bug.
func (rs Readers) Unbuilt(output string) string {
	output = UnixLines(output)
	for _, r := range rs {
		if r.unbuilt == nil {
			continue
		}
		if found := r.unbuilt.FindString(output); found != "" {
			return "could not build: " + strings.TrimSpace(found)
		}
	}
	return ""
}
