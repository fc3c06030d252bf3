package testlog

import "strings"

// dotnetTest reads the output of dotnet test, of .NET 6 to 10: one line for each assembly,
// or one summary.
func dotnetTest() func() listener {
	restore := compile(`^  Determining projects to restore\.\.\.$`)
	assembly := compile(`^(?:Passed|Failed|Skipped)! +- Failed: +(\d+), Passed: +(\d+), Skipped: +(\d+), Total: +\d+`)
	summary := compile(`^Test summary: total: (\d+), failed: (\d+), succeeded: (\d+), skipped: (\d+), duration: `)
	begin := compile(`^(?:Total tests: \d+|Test run summary: .*)$`)
	count := compile(`^ *(?i:(Passed|Failed|Skipped|succeeded)): (\d+)$`)
	test := compile(`^  (Passed|Failed|Skipped) (\S.*?) \[(?:< )?[0-9.,]+ m?s\]$`)
	empty := compile(`^(?:No test matches the given testcase filter .*|No test is available in .*|The following Tests are available:)$`)
	broken := compile(`^(?:Build FAILED\.|.*: error (?:CS|FS|BC|MSB|NETSDK)\d+: .*)$`)
	words := map[string]Result{"passed": Passed, "succeeded": Passed, "failed": Failed, "skipped": Skipped}
	return func() listener {
		return lines(func(text string, d *draft) {
			s := d.current()
			switch {
			case restore.MatchString(text):
				d.next()
			case assembly.MatchString(text):
				found := assembly.FindStringSubmatch(text)
				d.count(Failed, number(found[1]))
				d.count(Passed, number(found[2]))
				d.count(Skipped, number(found[3]))
				d.ended(text)
			case summary.MatchString(text):
				found := summary.FindStringSubmatch(text)
				d.count(Failed, number(found[2]))
				d.count(Passed, number(found[3]))
				d.count(Skipped, number(found[4]))
				d.end(text)
			case begin.MatchString(text):
				d.next()
				d.now().summed = true
				d.ended(text)
			case s != nil && s.summed && count.MatchString(text):
				found := count.FindStringSubmatch(text)
				d.count(words[strings.ToLower(found[1])], number(found[2]))
				d.ended("")
			case strings.HasPrefix(text, "  ") && test.MatchString(text):
				found := test.FindStringSubmatch(text)
				d.event(found[2], words[strings.ToLower(found[1])])
			case empty.MatchString(text):
				d.ended(text)
			case (strings.Contains(text, ": error ") || strings.HasPrefix(text, "Build ")) && broken.MatchString(text):
				d.broken(strings.TrimSpace(text))
			}
		})
	}
}
