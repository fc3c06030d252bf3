package testlog

import "strings"

// pytest reads the output of pytest 5 to 9, also with pytest-xdist, pytest-rerunfailures and flaky.
func pytest() func() listener {
	const results = `(PASSED|FAILED|SKIPPED|XFAIL|XPASS|ERROR|RERUN)`
	begin, failures := compile(`^=+ test session starts =+$`), compile(`^=+ (?:FAILURES|ERRORS|short test summary info) =+$`)
	verbose := compile(`^(\S+?::.+?) ` + results + `\b`)
	worker := compile(`^\[gw\d+\] \[ *\d+%\] ` + results + ` (\S+::.*\S)`)
	short := compile(`^` + results + ` (\S+::.*?)(?: - .*)?$`)
	running := compile(`^(\S+::\S+) (?:Fatal Python error: .*)?$`)
	flaky := compile(`^(\S+) failed \(\d+ runs? remaining out of \d+\)\.$`)
	broken := compile(`^(?:!+ Interrupted: \d+ errors? during collection !+|_+ ERROR collecting .* _+)$`)
	const word = `failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun|subtests? \w+|snapshots? \w+`
	count := compile(`(\d+) (` + word + `)`)
	summary := compile(`^(?:=+ )?(?:(?:\d+ (?:` + word + `)(?:, )?)+|no tests ran` +
		`|(?:no tests|\d+(?:/\d+)? tests?) collected(?: \(\d+ deselected\))?(?:, \d+ (?:` + word + `))*)` +
		` in \d+\.\d\ds(?: \(\d+:\d\d:\d\d\))?(?: =+)?$`)
	words := map[string]Result{
		"PASSED": Passed, "FAILED": Failed, "SKIPPED": Skipped, "XFAIL": ExpectedFailure, "XPASS": Passed, "ERROR": Failed, "RERUN": Rerun,
	}
	counted := map[string]Result{
		"passed": Passed, "xpassed": Passed, "failed": Failed, "error": Failed, "errors": Failed,
		"skipped": Skipped, "xfailed": ExpectedFailure, "rerun": Rerun,
	}
	return func() listener {
		return lines(func(text string, d *draft) {
			switch {
			case strings.Contains(text, "::"):
				if found := verbose.FindStringSubmatch(text); found != nil {
					d.event(found[1], words[found[2]])
				} else if found := worker.FindStringSubmatch(text); found != nil {
					d.event(found[2], words[found[1]])
				} else if found := short.FindStringSubmatch(text); found != nil {
					d.event(strings.TrimSpace(found[2]), words[found[1]])
				} else if found := running.FindStringSubmatch(text); found != nil {
					d.now().Running = []string{found[1]}
				}
			case begin.MatchString(text):
				d.begin(true)
			case failures.MatchString(text):
				if s := d.now(); !s.begun {
					s.begun, s.begin = true, d.n
				}
			case broken.MatchString(text):
				d.broken(text)
			case strings.HasSuffix(text, "."):
				if found := flaky.FindStringSubmatch(text); found != nil {
					d.event(found[1], Rerun)
				}
			case summary.MatchString(text):
				d.tally(items(count, text), counted)
				if strings.Contains(text, "collected") {
					d.now().Counts = map[Result]int{}
				}
				d.end(text)
			}
		})
	}
}
