package testlog

import "strings"

// unittest reads the output of unittest of Python 3.8 to 3.13, and of what builds on it.
func unittest() func() listener {
	ran := compile(`^Ran (\d+) tests? in \d+\.\d{3}s$`)
	verdict := compile(`^(?:OK|FAILED|NO TESTS RAN)(?: \(((?:[a-z ]+=\d+(?:, )?)+)\))?$`)
	count := compile(`([a-z ]+)=(\d+)`)
	verbose := compile(`^(\w+) \(([\w.]+)\)(?: \(.*\))? \.\.\. (ok|FAIL|ERROR|skipped .*|expected failure|unexpected success)$`)
	running := compile(`^(test\w*) \(([\w.]+)\) \.\.\. $`)
	failure := compile(`^(FAIL|ERROR|UNEXPECTED SUCCESS): (\w+) \(([\w.]+)\)`)
	words := map[string]Result{
		"ok": Passed, "FAIL": Failed, "ERROR": Failed, "skipped": Skipped, "expected failure": ExpectedFailure, "unexpected success": Failed,
		"UNEXPECTED SUCCESS": Failed, "failures": Failed, "errors": Failed, "expected failures": ExpectedFailure, "unexpected successes": Failed,
	}
	return func() listener {
		total, line := -1, "" // of the line "Ran N tests", until the verdict
		return lines(func(text string, d *draft) {
			if found := ran.FindStringSubmatch(text); found != nil {
				total, line = number(found[1]), text
				return
			}
			if found := running.FindStringSubmatch(text); found != nil {
				s := d.now()
				s.sure, s.Running = true, []string{pythonName(found[1], found[2])}
			} else if found := verbose.FindStringSubmatch(text); found != nil {
				word := found[3]
				if strings.HasPrefix(word, "skipped") {
					word = "skipped"
				}
				d.event(pythonName(found[1], found[2]), words[word])
			} else if found := failure.FindStringSubmatch(text); found != nil {
				if strings.HasPrefix(found[3], "unittest.loader.") {
					d.broken(text)
				}
				d.event(pythonName(found[2], found[3]), Failed)
			}
			if total < 0 || text == "" {
				return
			}
			if found := verdict.FindStringSubmatch(text); found != nil {
				rest := total
				for _, i := range count.FindAllStringSubmatch(found[1], -1) {
					n := number(i[2])
					d.count(words[strings.TrimSpace(i[1])], n)
					rest -= n
				}
				d.count(Passed, rest)
				if found[1] != "" && total > 0 {
					line = text
				}
				d.end(line)
			}
			total = -1
		})
	}
}

// pythonName returns the full name of a method. Since Python 3.11 the class is printed with it.
func pythonName(method, class string) string {
	if strings.HasSuffix(class, "."+method) {
		return class
	}
	return class + "." + method
}
