package testlog

import "strings"

// nodeTest reads the spec reporter of node --test, of node 20, and a summary by itself. Its
// other format is TAP.
func nodeTest() func() listener {
	group := compile(`^( *)▶ (.*?)(?: \([0-9.]+ms\))?$`)
	test := compile(`^( *)([✔✖﹣⚠]) (.*?) \([0-9.]+ms\)(?: # (.*))?$`)
	count := compile(`^[ℹ#] (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([0-9.]+)$`)
	words := map[string]Result{"✔": Passed, "✖": Failed, "﹣": Skipped, "⚠": ExpectedFailure}
	return func() listener {
		var groups tree
		isTAP := false // then the summary belongs to the TAP stream
		return lines(func(text string, d *draft) {
			switch indent, rest := indentation(text); {
			case strings.HasPrefix(text, "ok ") || strings.HasPrefix(text, "not ok "):
				isTAP = true
			case strings.HasPrefix(text, "ℹ "), strings.HasPrefix(text, "# ") && !isTAP:
				if found := count.FindStringSubmatch(text); found != nil {
					nodeCount(found[1], number(found[2]), text, d)
				}
			case strings.HasPrefix(rest, "▶ "):
				groups.enter(indent, group.FindStringSubmatch(text)[2])
			case test.MatchString(text):
				if s := d.current(); s != nil && s.summed {
					return // the failures once more, without their groups
				}
				found := test.FindStringSubmatch(text)
				result := words[found[2]]
				if strings.HasPrefix(found[4], "TODO") && result == Failed {
					result = ExpectedFailure
				}
				d.event(groups.name(indent, found[3]), result)
			}
		})
	}
}

// jest reads the output of jest 27 to 30.
func jest() func() listener {
	file := compile(`^ ?(?:PASS|FAIL) +(\S+)(?: \([0-9.]+ m?s\))?$`)
	test := compile(`^ +([✓✕○✎]) (?:skipped |todo )?(.*?)(?: \([0-9.]+ m?s\))?$`)
	failure := compile(`^  ● (.* › .*)$`)
	retry := compile(`^ LOGGING RETRY ERRORS  (.*)$`)
	exit := compile(`^ *● +process\.exit called with "\d+"$`)
	broken := compile(`^ *● Test suite failed to run$`)
	empty := compile(`^No tests found, exiting with code [01]$`)
	summary := compile(`^Tests: {7}(?:\d+ (?:failed|skipped|todo|passed), )*\d+ total$`)
	count := compile(`(\d+) (failed|skipped|todo|passed)`)
	words := map[string]Result{
		"✓": Passed, "✕": Failed, "○": Skipped, "✎": Skipped, "passed": Passed, "failed": Failed, "skipped": Skipped, "todo": Skipped,
	}
	return func() listener {
		name := "" // of the current file
		var groups tree
		return lines(func(text string, d *draft) {
			indent, rest := indentation(text)
			switch {
			case file.MatchString(text):
				name, groups = file.FindStringSubmatch(text)[1], tree{}
			case summary.MatchString(text):
				d.tally(items(count, text), words)
				d.end(text)
				name = ""
			case empty.MatchString(text):
				d.end(text)
			case broken.MatchString(text):
				d.broken(strings.TrimSpace(text))
			case exit.MatchString(text):
				d.begin(true)
			case retry.MatchString(text):
				d.event(retry.FindStringSubmatch(text)[1], Rerun)
			case name == "" || indent == 0:
				return
			case failure.MatchString(text):
				d.event(name+nameSeparator+strings.ReplaceAll(failure.FindStringSubmatch(text)[1], " › ", nameSeparator), Failed)
			case test.MatchString(text):
				found := test.FindStringSubmatch(text)
				d.event(name+nameSeparator+groups.name(indent, found[2]), words[found[1]])
			default:
				groups.enter(indent, rest)
			}
		})
	}
}

// vitest reads the output of vitest 1 to 4.
func vitest() func() listener {
	begin := compile(`^ (?:RUN|DEV)  v\d+\.\d+`)
	test := compile(`^ +([✓×↓□]) (\S.* > .*?)(?: +\d+ms)?(?: \(retry x(\d+)\))?$`)
	retried := compile(`^ +[✓×] (.*?)(?: +\d+ms)? \(retry x\d+\)$`)
	failure := compile(`^ FAIL  (\S.* > .*)$`)
	broken := compile(`^⎯+ Failed Suites \d+ ⎯+$`)
	empty := compile(`^No test files found, exiting with code [01]$`)
	summary := compile(`^ +Tests  (?:no tests|(?:\d+ (?:failed|passed|skipped|todo|expected fail)(?: \| )?)+ \(\d+\))$`)
	count := compile(`(\d+) (failed|passed|skipped|todo|expected fail)`)
	words := map[string]Result{
		"✓": Passed, "×": Failed, "↓": Skipped, "□": Skipped,
		"passed": Passed, "failed": Failed, "skipped": Skipped, "todo": Skipped, "expected fail": ExpectedFailure,
	}
	return func() listener {
		return lines(func(text string, d *draft) {
			switch {
			case begin.MatchString(text):
				d.begin(false) // a test can't end vitest; a benchmark has another summary
			case summary.MatchString(text):
				d.tally(items(count, text), words)
				d.end(strings.TrimSpace(text))
			case empty.MatchString(text):
				d.end(text)
			case broken.MatchString(text):
				d.broken(text)
			case failure.MatchString(text):
				d.event(failure.FindStringSubmatch(text)[1], Failed)
			case test.MatchString(text):
				found := test.FindStringSubmatch(text)
				d.event(found[2], words[found[1]])
				if found[3] != "" {
					d.event(found[2], Rerun)
				}
			case retried.MatchString(text):
				d.event(retried.FindStringSubmatch(text)[1], Rerun)
			}
		})
	}
}

// mocha reads the spec reporter of mocha 8 to 12, and the summary of its other ones.
func mocha() func() listener {
	passing := compile(`^  (\d+) passing \(\d+(?:ms|s|m|h)\)$`)
	more := compile(`^  (\d+) (pending|failing)$`)
	test := compile(`^ {2,}(?:(✔|-|\d+\)) )(.*?)(?: \(\d+ms\))?$`)
	broken := compile(`^(?: Exception during run: |Error: No test files found: ).*$`)
	words := map[string]Result{"✔": Passed, "-": Skipped, "pending": Skipped, "failing": Failed}
	return func() listener {
		var groups tree
		return lines(func(text string, d *draft) {
			indent, rest := indentation(text)
			s := d.current()
			switch {
			case passing.MatchString(text):
				d.next()
				d.count(Passed, number(passing.FindStringSubmatch(text)[1]))
				d.ended(strings.TrimSpace(text))
				groups = tree{}
			case s != nil && s.Ended && more.MatchString(text):
				found := more.FindStringSubmatch(text)
				d.count(words[found[2]], number(found[1]))
				d.ended("")
			case broken.MatchString(text):
				d.broken(strings.TrimSpace(text))
			case indent < 2 || s != nil && s.Ended: // the failures once more
			case test.MatchString(text):
				found := test.FindStringSubmatch(text)
				result, ok := words[found[1]]
				if !ok {
					result = Failed
				}
				d.event(groups.name(indent, found[2]), result)
			default:
				groups.enter(indent, rest)
			}
		})
	}
}

// bun reads the output of bun test 1.
func bun() func() listener {
	begin := compile(`^bun test v\d+\.\d+`)
	test := compile(`^(?:\((pass|fail|skip|todo)\)|([✓✗»✎])) (.*?)(?: \[[0-9.]+m?s\])?(?: \(attempt (\d+)\))?(?: \[[0-9.]+m?s\])?$`)
	count := compile(`^ *(\d+) (pass|fail|skip|todo|errors?)$`)
	ran := compile(`^Ran \d+ tests? across \d+ files?\.`)
	empty := compile(`^(?:error: regex .* matched 0 tests\..*|The following filters did not match any test files:?)$`)
	broken := compile(`^# Unhandled error between tests$`)
	words := map[string]Result{
		"pass": Passed, "fail": Failed, "skip": Skipped, "todo": Skipped, "✓": Passed, "✗": Failed, "»": Skipped, "✎": Skipped,
	}
	return func() listener {
		return lines(func(text string, d *draft) {
			switch s := d.current(); {
			case begin.MatchString(text):
				d.begin(true)
			case ran.MatchString(text):
				d.end(text)
			case empty.MatchString(text) && s != nil && s.sure:
				d.end(text)
			case count.MatchString(text):
				d.tally(items(count, text), words)
			case broken.MatchString(text) && s != nil && s.sure:
				d.broken(text)
			case s != nil && s.sure && test.MatchString(text):
				found := test.FindStringSubmatch(text)
				d.event(found[3], words[found[1]+found[2]])
				if found[4] != "" && found[4] != "1" {
					d.event(found[3], Rerun)
				}
			}
		})
	}
}
