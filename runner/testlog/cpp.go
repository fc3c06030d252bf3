package testlog

import "strings"

// ctest reads the output of CTest 3. Its summary counts skipped tests as passed.
func ctest() func() listener {
	begin := compile(`^Test project \S`)
	test := compile(`^ *(?:\d+/\d+)? *Test +#\d+: (\S+) \.*\s*(Passed|\*\*\*[A-Z].*?)  +[0-9.]+ sec`)
	summary := compile(`^\d+% tests passed, (\d+) tests? failed out of (\d+)$`)
	empty := compile(`^(?:No tests were found!!!|Total Tests: \d+)$`)
	notRun := compile(`^\t *\d+ - (\S+) \((Skipped|Disabled)\)$`)
	return func() listener {
		unnamed := false // the tests of the current summary were not printed
		return lines(func(text string, d *draft) {
			s := d.current()
			switch {
			case begin.MatchString(text):
				d.begin(true)
			case strings.Contains(text, "Test ") && test.MatchString(text):
				found := test.FindStringSubmatch(text)
				ctestResult(found[1], found[2], text, d)
			case summary.MatchString(text):
				found := summary.FindStringSubmatch(text)
				failed := number(found[1])
				d.count(Failed, failed)
				if unnamed = s == nil || len(s.Events) == 0; unnamed { // else the names say it
					d.count(Passed, number(found[2])-failed)
				}
				d.ended(text)
			case empty.MatchString(text):
				d.ended(text)
			case s != nil && s.Ended && notRun.MatchString(text):
				found := notRun.FindStringSubmatch(text)
				d.event(found[1], Skipped)
				if unnamed && found[2] == "Skipped" {
					s.Counts[Passed] = max(0, s.Counts[Passed]-1)
				}
				d.ended("")
			}
		})
	}
}

// ctestResult notes the result of a test. A failed one that is printed again was run again.
func ctestResult(name, result, text string, d *draft) {
	switch {
	case result == "Passed":
		again := d.has(Event{name, Failed})
		d.only(name, Passed)
		if again {
			d.event(name, Rerun)
		}
	case strings.HasPrefix(result, "***Skipped"), strings.HasPrefix(result, "***Not Run (Disabled)"):
		d.event(name, Skipped)
	case strings.HasPrefix(result, "***Not Run"):
		d.broken(strings.TrimSpace(text))
	default:
		d.event(name, Failed)
	}
}

// googleTest reads the output of GoogleTest 1.8 to 1.17.
func googleTest() func() listener {
	begin := compile(`^\[={10}\] Running \d+ tests? from \d+ test (?:suite|case)s?\.$`)
	passed := compile(`^\[  PASSED  \] (\d+) tests?\.$`)
	listed := compile(`^\[  (FAILED|SKIPPED) {1,2}\] (\d+) tests?, listed below:$`)
	test := compile(`^\[ +(RUN|OK|FAILED|SKIPPED) +\] (\S+?)(?:, where .*?)?( \(\d+ ms\))?$`)
	words := map[string]Result{"OK": Passed, "FAILED": Failed, "SKIPPED": Skipped}
	return func() listener {
		return lines(func(text string, d *draft) {
			if !strings.HasPrefix(text, "[") {
				return
			}
			switch s := d.current(); {
			case begin.MatchString(text):
				d.begin(true)
			case passed.MatchString(text):
				d.next()
				d.count(Passed, number(passed.FindStringSubmatch(text)[1]))
				d.ended(text)
			case s != nil && s.Ended && listed.MatchString(text):
				found := listed.FindStringSubmatch(text)
				d.count(words[found[1]], number(found[2]))
				d.ended("")
			case test.MatchString(text):
				found := test.FindStringSubmatch(text)
				switch {
				case found[1] == "RUN":
					d.now().Running = []string{found[2]}
				case s != nil:
					d.event(found[2], words[found[1]])
					s.Running = nil
				}
			}
		})
	}
}
