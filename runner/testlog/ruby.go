package testlog

import "strings"

// rspec reads the output of RSpec 3. It counts pending examples as skipped, also those
// that ran and failed.
func rspec() func() listener {
	summary := compile(`^(\d+) examples?, (\d+) failures?(?:, (\d+) pending)?(?:, (\d+) errors? occurred outside of examples)?$`)
	failed := compile(`^rspec \S+ # (.*)$`)
	numbered := compile(`^  \d+\) (.*)$`)
	broken := compile(`^An error occurred while loading .*$`)
	return func() listener {
		pending := false  // in the list of pending examples
		finished := false // the line before was "Finished in"
		return lines(func(text string, d *draft) {
			last := finished
			finished = strings.HasPrefix(text, "Finished in ")
			switch s := d.current(); {
			case last && summary.MatchString(text):
				d.next()
				found := summary.FindStringSubmatch(text)
				failures, skipped := number(found[2]), number(found[3])
				d.count(Failed, failures+number(found[4]))
				d.count(Skipped, skipped)
				d.count(Passed, number(found[1])-failures-skipped)
				d.ended(text)
				pending = false
			case strings.HasPrefix(text, "rspec ") && s != nil && s.Ended && failed.MatchString(text):
				d.event(failed.FindStringSubmatch(text)[1], Failed)
			case strings.HasPrefix(text, "Pending:"):
				pending = true
			case strings.HasPrefix(text, "Failures:"):
				pending = false
			case pending && numbered.MatchString(text):
				d.event(numbered.FindStringSubmatch(text)[1], Skipped)
			case broken.MatchString(text):
				d.broken(text)
			}
		})
	}
}

// minitest reads the output of minitest 5, of Rails, and of the gem test-unit 3.
func minitest() func() listener {
	begin := compile(`^Run options: .*--seed \d+$`)
	test := compile(`^(\S+#\S+) = [0-9.]+ s = ([.FES])$`)
	kind := compile(`^ +\d+\) (Failure|Error|Skipped):$`)
	name := compile(`^(\S+#\w[^ :\[]*)`)
	summary := compile(`^(\d+) (?:runs|tests), \d+ assertions, (\d+) failures, (\d+) errors, ` +
		`(\d+) (?:skips|pendings, (\d+) omissions, \d+ notifications)$`)
	unit := compile(`^(Failure|Error|Omission|Pending): .*?(\w+\(\w[\w:]*\))`)
	words := map[string]Result{
		".": Passed, "F": Failed, "E": Failed, "S": Skipped, "Failure": Failed, "Error": Failed, "Skipped": Skipped,
		"Omission": Skipped, "Pending": Skipped,
	}
	return func() listener {
		of := "" // what the name on the next line is of
		return lines(func(text string, d *draft) {
			if found := name.FindStringSubmatch(text); of != "" && found != nil {
				d.event(found[1], words[of])
			}
			of = ""
			switch {
			case begin.MatchString(text):
				d.begin(true)
			case test.MatchString(text):
				found := test.FindStringSubmatch(text)
				d.event(found[1], words[found[2]])
			case kind.MatchString(text):
				of = kind.FindStringSubmatch(text)[1]
			case strings.Contains(text, ": ") && unit.MatchString(text):
				found := unit.FindStringSubmatch(text)
				d.event(found[2], words[found[1]])
			case summary.MatchString(text):
				found := summary.FindStringSubmatch(text)
				failed, skipped := number(found[2])+number(found[3]), number(found[4])+number(found[5])
				d.count(Failed, failed)
				d.count(Skipped, skipped)
				d.count(Passed, number(found[1])-failed-skipped)
				d.end(text)
			}
		})
	}
}
