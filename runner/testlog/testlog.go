// Package testlog reads the output of test runners.
package testlog

import (
	"regexp"
	"strings"
)

// Reader reads the output of one test runner. It can only reject a result, because anybody
// can print such output: the exit code comes from the process itself.
type Reader struct {
	Runner  string                     // its name
	Read    func(output string) Report // lines of the output end with "\n"
	unbuilt *regexp.Regexp             // the line that says that the tests could not be built; nil if unknown
}

// Readers is a list of readers.
type Readers []Reader

// Report is what a test runner printed about its tests. It is zero if the output is not of
// this runner.
type Report struct {
	Ran   bool   // a test passed or failed
	empty string // else the line that says that no test did
}

// NewReaders returns the readers of the common test runners. They were written from the
// output of go 1.26 (cmd/go, testing), pytest 9, unittest of Python 3.11 and 3.12, cargo
// 1.95 (libtest), node 20 --test, jest 29 and vitest 3.
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

// byLines reads output with two patterns: of a line that is printed only if a test passed
// or failed, and of a line that says that no test did.
func byLines(ran, empty string) func(output string) Report {
	ranLine, emptyLine := line(ran), line(empty)
	return func(output string) Report {
		if ranLine.MatchString(output) {
			return Report{Ran: true}
		}
		return Report{empty: emptyLine.FindString(output)}
	}
}

// goTest reads the output of each package by itself, up to its result line. A cached result
// repeats the "--- PASS" lines, and in another package all tests may be skipped.
func goTest() func(output string) Report {
	packageLine := regexp.MustCompile(`^(?:ok  |\?   )\t\S+\t(.*)$`)
	failLine := regexp.MustCompile(`^(?:FAIL\t\S+\t[0-9.]+s|\s*--- FAIL: .*)$`)
	testLine := regexp.MustCompile(`--- (PASS|SKIP): \S+ \(\d+\.\d\ds\)$`) // after the test's own output, if that does not end with a newline
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
			case current.Ran || current.empty == "": // without -v, a passed test prints no line
				total.Ran = true
			default:
				empty(current.empty)
			}
			current = Report{}
		}
		total.Ran = total.Ran || current.Ran // a test binary that is run directly prints no result line
		empty(current.empty)
		return total
	}
}

// isEmptyPackage reports whether no test ran, by the text after the package in its result line.
func isEmptyPackage(result string) bool {
	return strings.HasPrefix(result, "(cached)") || strings.HasSuffix(result, "[no tests to run]") || result == "[no test files]"
}

// unittest compares numbers, because unittest also prints "OK (skipped=N)" if other tests
// passed.
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

// UnixLines returns output with "\n" instead of "\r\n".
func UnixLines(output string) string { return strings.ReplaceAll(output, "\r\n", "\n") }

// Untested returns the reason if the output shows that no test ran. It returns "" if a test
// ran, or if the output is of no known runner.
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

// Unbuilt returns the reason if the output of a failed command shows that the tests could
// not be built. It returns "" otherwise.
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
