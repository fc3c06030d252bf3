package testlog

import "strings"

// gotestsum reads the output of gotestsum 1, in any format.
func gotestsum() func() listener {
	pkg := compile(`^(✓|✖|∅)  (\S+) \((cached|[0-9.]+m?s)\)`)
	failure := compile(`^=== (FAIL|SKIP): (\S+) (\S+?)(?: \(re-run \d+\))? \(\d+\.\d\ds\)$`)
	test := compile(`^(PASS|FAIL|SKIP) (\S+\.\S+)(?: \(re-run \d+\))? \(\d+\.\d\ds\)$`)
	summary := compile(`^DONE (?:(\d+) runs, )?(\d+) tests?(?:, (\d+) skipped)?(?:, (\d+) failures?)?(?:, (\d+) errors?)? in \d+\.\d+s$`)
	words := map[string]Result{"PASS": Passed, "FAIL": Failed, "SKIP": Skipped}
	return func() listener {
		ran, cached := 0, 0 // packages
		return lines(func(text string, d *draft) {
			switch {
			case pkg.MatchString(text):
				if pkg.FindStringSubmatch(text)[3] == "cached" {
					cached++
				} else {
					ran++
				}
			case strings.HasPrefix(text, "=== ") && failure.MatchString(text):
				found := failure.FindStringSubmatch(text)
				d.event(found[2]+"."+found[3], words[found[1]])
			case test.MatchString(text):
				found := test.FindStringSubmatch(text)
				d.event(found[2], words[found[1]])
			case summary.MatchString(text):
				found := summary.FindStringSubmatch(text)
				skipped, failed := number(found[3]), number(found[4])
				if number(found[1]) > 1 {
					d.rerunAll(failed)
				}
				d.count(Failed, failed)
				d.count(Skipped, skipped)
				if cached == 0 || ran > 0 {
					d.count(Passed, number(found[2])-skipped-failed)
				}
				if found[5] != "" {
					d.broken(text)
				}
				d.end(text)
				ran, cached = 0, 0
			}
		})
	}
}

// rerunAll notes that the failures were run again, and drops the report of the first run.
func (d *draft) rerunAll(failed int) {
	if n := len(d.done); n > 0 {
		d.done = d.done[:n-1]
	}
	d.count(Rerun, failed)
	for _, name := range d.now().Names(Failed) {
		d.event(name, Rerun)
	}
}
