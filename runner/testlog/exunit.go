package testlog

import "strings"

// mixTest reads the output of mix test, of Elixir 1.12 to 1.18.
func mixTest() func() listener {
	finished := compile(`^Finished in \d+\.\d+ seconds \(`)
	summary := compile(`^(?:\d+ (?:doctests?|propert(?:y|ies)), )*(\d+) tests?, (\d+) failures?((?:, \d+ (?:excluded|invalid|skipped))*)$`)
	count := compile(`(\d+) (doctests?|property|properties|tests?|failures?|excluded|invalid|skipped)`)
	module := compile(`^(\S+) \[\S+\.exs\]$`)
	test := compile(`^  \* ((?:test|doctest|property) .*) \(([0-9.]+ms|skipped|excluded)\)(?: \[L#\d+\])?$`)
	failure := compile(`^ +\d+\) (.*) \((\w\S*)\)$`)
	empty := compile(`^(?:There are no tests to run|Paths given to "mix test" did not match any directory/file: .*)$`)
	broken := compile(`^== Compilation error in file .* ==$`)
	return func() listener {
		seen, name := false, "" // the line "Finished in"; the current module
		return lines(func(text string, d *draft) {
			switch {
			case finished.MatchString(text):
				seen = true
				return
			case seen && summary.MatchString(text):
				n := map[string]int{}
				for _, i := range items(count, text) {
					n[strings.TrimSuffix(i.word, "s")] += i.n
				}
				skipped, failed := n["skipped"]+n["excluded"], n["failure"]+n["invalid"]
				d.count(Failed, failed)
				d.count(Skipped, skipped)
				d.count(Passed, n["test"]+n["doctest"]+n["property"]+n["propertie"]-failed-skipped)
				d.end(text)
			case empty.MatchString(text):
				d.end(text)
			case broken.MatchString(text):
				d.broken(text)
			case module.MatchString(text):
				name = module.FindStringSubmatch(text)[1]
			case strings.HasPrefix(text, "  * ") && test.MatchString(text):
				found := test.FindStringSubmatch(text)
				result := Passed
				if !strings.HasSuffix(found[2], "ms") {
					result = Skipped
				}
				d.event(name+nameSeparator+found[1], result)
			case failure.MatchString(text):
				found := failure.FindStringSubmatch(text)
				d.only(found[2]+nameSeparator+found[1], Failed)
			}
			seen = seen && text == ""
		})
	}
}

// batsPretty reads the output of bats 1 on a terminal. Elsewhere bats prints TAP.
func batsPretty() func() listener {
	summary := compile(`^(1 test|\d+ tests), (1 failure|\d+ failures)(?:, (\d+) skipped)?(?:, (\d+) not run)?(?: in \d+ seconds?)?$`)
	test := compile(`^ ([✓✗-]) (.*?)( \(skipped(?:: .*)?\))?(?: \[\d+m?s?\])?$`)
	return func() listener {
		finished := false // ExUnit has the same summary, below a line "Finished in"
		return lines(func(text string, d *draft) {
			switch {
			case strings.HasPrefix(text, "Finished in "):
				finished = true
				return
			case !finished && summary.MatchString(text):
				found := summary.FindStringSubmatch(text)
				total, failed, skipped := leading(found[1]), leading(found[2])+number(found[4]), number(found[3])
				if total > 0 && (d.current() == nil || len(d.current().Events) == 0) {
					return // bats has printed the tests before
				}
				d.count(Failed, failed)
				d.count(Skipped, skipped)
				d.count(Passed, total-failed-skipped)
				d.end(text)
			case strings.HasPrefix(text, " ") && test.MatchString(text):
				found := test.FindStringSubmatch(text)
				switch {
				case found[1] == "✓":
					d.event(found[2], Passed)
				case found[1] == "✗":
					d.event(found[2], Failed)
				case found[3] != "":
					d.event(found[2], Skipped)
				}
			}
			finished = finished && text == ""
		})
	}
}

// leading returns the number that a text begins with.
func leading(text string) int {
	digits, _, _ := strings.Cut(text, " ")
	return number(digits)
}
