package testlog

import "strings"

// cargoTest reads the output of cargo 1.95 and of its test programs (libtest), of which each
// prints a summary. They are one report: most projects have one without tests.
func cargoTest() func() listener {
	finished := compile(`^ +Finished .* target\(s\) in `)
	program := compile(`^ +(?:Running (?:unittests )?\S+ \(\S+\)|Doc-tests \S+)$`)
	begin := compile(`^running \d+ tests?$`)
	test := compile(`^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)(?:,.*)?$`)
	quiet := compile(`^(\S+) --- FAILED$`)
	result := compile(`^test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored;(?: (\d+) measured;)?`)
	listed := compile(`^\d+ tests?, \d+ benchmarks?$`)
	died := compile(`^error: test failed, to rerun pass `)
	broken := compile(`^error: (?:could not compile|no test target named) `)
	words := map[string]Result{"ok": Passed, "FAILED": Failed, "ignored": Skipped}
	return func() listener {
		named := false // the next program was named by cargo; one of its own kind does not print what libtest does
		return lines(func(text string, d *draft) {
			switch {
			case strings.HasPrefix(text, "test ") && test.MatchString(text):
				found := test.FindStringSubmatch(text)
				d.event(found[1], words[found[2]])
			case result.MatchString(text):
				found := result.FindStringSubmatch(text)
				passed, failed, ignored := number(found[1]), number(found[2]), number(found[3])
				d.count(Passed, passed+number(found[4]))
				d.count(Failed, failed)
				d.count(Skipped, ignored)
				d.now().busy = false
				d.ended(text)
			case begin.MatchString(text):
				s := d.now()
				if !s.begun {
					s.begun, s.begin = true, d.n
				}
				s.busy = true
				if named {
					s.sure, s.Ended, named = true, false, false
				}
			case strings.HasPrefix(text, " ") && finished.MatchString(text):
				d.next()
			case strings.HasPrefix(text, " ") && program.MatchString(text):
				named = true
			case strings.HasSuffix(text, " --- FAILED") && quiet.MatchString(text):
				d.event(quiet.FindStringSubmatch(text)[1], Failed)
			case listed.MatchString(text):
				d.ended(text)
			case died.MatchString(text):
				if s := d.now(); !s.Ended { // a test ended the program
					d.count(Failed, 1)
					d.ended(text)
				}
			case broken.MatchString(text):
				d.broken(text)
			}
		})
	}
}

// nextest reads the output of cargo-nextest 0.9.
func nextest() func() listener {
	begin := compile(`^ +Starting \d+ tests? across \d+ binar(?:y|ies)`)
	const status = `(PASS|LEAK|SLOW|FAIL|ABORT|SIG[A-Z]+|TIMEOUT|FLAKY \d+/\d+|TRY \d+ [A-Z-]+)`
	test := compile(`^ +` + status + ` \[ *[0-9.]+s\] +(?:\( *(?:\d+/\d+|─+)\) +)?(\S+) +(\S+)$`)
	summary := compile(`^ +Summary \[ *[0-9.]+s\] +(\d+)(?:/\d+)? tests? run: (.*)$`)
	count := compile(`(\d+) (passed|flaky|failed|exec failed|timed out|skipped)`)
	empty := compile(`^error: no tests to run$`)
	words := map[string]Result{
		"passed": Passed, "flaky": Rerun, "failed": Failed, "exec failed": Failed, "timed out": Failed,
	}
	return func() listener {
		return lines(func(text string, d *draft) {
			switch {
			case strings.HasPrefix(text, " ") && begin.MatchString(text):
				d.begin(true)
			case strings.HasPrefix(text, " ") && test.MatchString(text):
				found := test.FindStringSubmatch(text)
				name, word := found[2]+"::"+found[3], strings.Fields(found[1])
				switch {
				case word[0] == "PASS" || word[0] == "LEAK":
					d.event(name, Passed)
				case word[0] == "FLAKY":
					d.event(name, Rerun)
				case word[0] == "TRY":
					if word[2] == "PASS" {
						d.only(name, Passed)
						d.event(name, Rerun)
					} else {
						d.only(name, Failed)
					}
				case word[0] != "SLOW":
					d.event(name, Failed)
				}
			case strings.HasPrefix(text, " ") && summary.MatchString(text):
				d.next()
				d.tally(items(count, summary.FindStringSubmatch(text)[2]), words)
				d.ended(text)
			case empty.MatchString(text):
				d.ended(text)
			}
		})
	}
}
