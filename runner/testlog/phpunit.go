package testlog

import "strings"

// phpunit reads the output of PHPUnit 8 to 12. A test without assertions (risky) has run.
func phpunit() func() listener {
	begin := compile(`^PHPUnit \d+\.\d+\S* by Sebastian Bergmann and contributors\.$`)
	heading := compile(`^There (?:was|were) \d+ (failure|error|skipped test|incomplete test|\w.*)s?:$`)
	numbered := compile(`^\d+\) (\S+::\S.*)$`)
	passed := compile(`^OK \((\d+) tests?, \d+ assertions?\)$`)
	summary := compile(`^Tests: (\d+), Assertions: \d+(?:, [A-Z][\w ]*: \d+)*\.$`)
	count := compile(`([A-Z][\w ]*): (\d+)`)
	empty := compile(`^(?:No tests executed!|Available tests?(?:\(s\))?:)$`)
	dox := compile(`^ (✔|✘|↩|∅|☢) (.*)$`)
	words := map[string]Result{
		"Failures": Failed, "Errors": Failed, "Skipped": Skipped, "Incomplete": Skipped,
		"failure": Failed, "failures": Failed, "error": Failed, "errors": Failed,
		"skipped test": Skipped, "skipped tests": Skipped, "incomplete test": Skipped, "incomplete tests": Skipped,
		"✔": Passed, "✘": Failed, "↩": Skipped, "∅": Skipped, "☢": Passed,
	}
	return func() listener {
		header := 0      // the number of the first line
		var of Result    // what the numbered names are of
		var class string // heading of a list of --testdox
		return lines(func(text string, d *draft) {
			s := d.current()
			switch {
			case begin.MatchString(text):
				d.begin(false)
				header = d.n
			case text == "" && header > 0 && header == d.n-1: // --version prints nothing more
				d.now().sure = true
			case passed.MatchString(text):
				d.count(Passed, number(passed.FindStringSubmatch(text)[1]))
				d.end(text)
			case summary.MatchString(text):
				rest := number(summary.FindStringSubmatch(text)[1])
				for _, found := range count.FindAllStringSubmatch(text, -1) {
					if result, ok := words[strings.TrimSpace(found[1])]; ok {
						d.count(result, number(found[2]))
						rest -= number(found[2])
					}
				}
				d.count(Passed, rest)
				d.end(text)
			case empty.MatchString(text) && s != nil && s.sure:
				d.end(text)
			case heading.MatchString(text):
				of = words[heading.FindStringSubmatch(text)[1]]
			case of != "" && s != nil && numbered.MatchString(text):
				d.event(numbered.FindStringSubmatch(text)[1], of)
			case s != nil && dox.MatchString(text):
				found := dox.FindStringSubmatch(text)
				d.event(class+nameSeparator+found[2], words[found[1]])
			case text != "" && text[0] != ' ':
				class = text
			}
		})
	}
}
