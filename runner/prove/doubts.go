package prove

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// warn adds what a reader should look at before believing the verdict.
func (p *proving) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(p.out.Warnings, text) {
		p.out.Warnings = append(p.out.Warnings, text)
	}
}

// doubts warns of a fix that asks whether it is under test: it can pass the test without
// repairing anything.
func (p *proving) doubts() error {
	asks := regexp.MustCompile(strings.Join([]string{
		`\btesting\.Testing\(\)`, `\bflag\.Lookup\("test\.`,
		`\bPYTEST_(?:CURRENT_TEST|VERSION|XDIST_WORKER)\b`, `["'](?:pytest|_pytest|unittest)["'] (?:not )?in sys\.modules`,
		`\bNODE_TEST_CONTEXT\b`, `\bJEST_WORKER_ID\b`, `\bVITEST(?:_\w+)?\b`, `\b(?:NODE|RAILS)_ENV\b.{0,20}["']test["']`,
		`\bcfg!\(test\)`, `\bNEXTEST(?:_\w+)?\b`, `\bBATS_\w+`, `\bCHANT_(?:CHECK|PROCESS|PROVING)\b`,
	}, "|"))
	for _, path := range p.fixed {
		before, after, err := p.contents(path)
		if err != nil {
			return err
		}
		lines := strings.Split(string(after), "\n")
		for _, n := range addedLines(before, after) {
			if found := asks.FindString(lines[n-1]); found != "" {
				p.warn("%s:%d asks whether it is under test: %s", path, n, found)
				break
			}
		}
	}
	return nil
}
