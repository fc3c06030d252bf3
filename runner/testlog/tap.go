package testlog

import (
	"regexp"
	"strings"
)

// tapPatterns are the lines of TAP 13 and 14, and of the summary that node --test adds.
type tapPatterns struct {
	version, plan, test, node *regexp.Regexp
}

func tap() func() listener {
	p := &tapPatterns{
		version: compile(`^TAP version 1[34]$`),
		plan:    compile(`^1\.\.(\d+)(?: *#.*)?$`),
		test:    compile(`^(ok|not ok)( +\d+)?(?: +-)?(?: +(.*?))??(?: +# *(?i:(skip|todo))\b.*)?$`),
		node:    compile(`^# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([0-9.]+)$`),
	}
	return func() listener { return &tapStream{tapPatterns: p, planned: -1} }
}

// tapStream reads one TAP stream. Subtests are indented by four spaces, before their parent.
type tapStream struct {
	*tapPatterns

	planned  int // number of tests; -1 if not known
	planLine string
	seen     int       // number of tests of the top level
	levels   [][]Event // by depth: the tests whose parent has not ended
}

func (t *tapStream) line(text string, d *draft) {
	indent, rest := indentation(text)
	if rest == "" {
		return
	}
	if d.current() == nil {
		t.planned, t.seen, t.levels = -1, 0, nil
	}
	switch rest[0] {
	case 'T':
		if t.version.MatchString(text) {
			d.begin(true)
			t.planned, t.seen, t.levels = -1, 0, nil
		}
	case '1':
		if found := t.plan.FindStringSubmatch(text); found != nil {
			t.plannedTests(number(found[1]), text, d)
		}
	case 'o', 'n':
		if found := t.test.FindStringSubmatch(rest); found != nil && indent%4 == 0 {
			t.result(indent/4, found, d)
		}
	case '#':
		if found := t.node.FindStringSubmatch(text); found != nil && d.current() != nil && len(d.current().Events) > 0 {
			nodeCount(found[1], number(found[2]), text, d)
		}
	case 'B':
		if strings.HasPrefix(text, "Bail out!") && t.seen+t.planned > 0 {
			d.count(Failed, 1)
			d.ended(text)
		}
	}
}

// plannedTests reads a plan, which is the first or the last line of a stream.
func (t *tapStream) plannedTests(n int, text string, d *draft) {
	if s := d.current(); s != nil && s.Ended || t.planned >= 0 {
		d.next()
		t.seen = 0
	}
	d.now()
	t.planned, t.planLine = n, text
	if n == 0 {
		d.ended(text)
		return
	}
	t.endIfComplete(d)
}

// result reads the result of a test at this depth.
func (t *tapStream) result(depth int, found []string, d *draft) {
	if s := d.current(); found[2] == "" && (s == nil || !s.sure) {
		return // without a number only where the stream says that it is TAP
	}
	name := strings.ReplaceAll(found[3], `\#`, "#")
	result := Passed
	switch directive := strings.ToLower(found[4]); {
	case directive == "skip":
		result = Skipped
	case directive == "todo" && found[1] != "ok":
		result = ExpectedFailure
	case found[1] == "not ok":
		result = Failed
	}
	for len(t.levels) <= depth+1 {
		t.levels = append(t.levels, nil)
	}
	children := t.levels[depth+1]
	t.levels[depth+1] = nil
	if result == Passed && len(children) > 0 && !containsPassed(children) {
		result = Skipped // it only groups tests that were not run
	}
	for i := range children {
		children[i].Test = name + nameSeparator + children[i].Test
	}
	t.levels[depth] = append(append(t.levels[depth], children...), Event{name, result})
	if depth > 0 {
		return
	}
	for _, e := range t.levels[0] {
		d.event(e.Test, e.Result)
	}
	t.levels[0] = nil
	t.seen++
	s := d.now()
	if t.planned >= 0 && !s.begun {
		s.begun, s.sure = true, true
	}
	t.endIfComplete(d)
}

func containsPassed(events []Event) bool {
	for _, e := range events {
		if e.Result == Passed || e.Result == Failed {
			return true
		}
	}
	return false
}

func (t *tapStream) endIfComplete(d *draft) {
	if t.planned >= 0 && t.seen >= t.planned {
		d.ended(t.planLine)
	}
}

func (t *tapStream) close(*draft) {}

// nodeCount reads a number of the summary of node --test.
func nodeCount(word string, n int, text string, d *draft) {
	if s := d.current(); word == "tests" && s != nil && s.summed {
		d.next()
	}
	s := d.now()
	s.summed = true
	switch word {
	case "suites": // mocha -R tap has the other numbers too
		s.Runner = "node --test"
	case "tests":
		s.Line = text
	case "pass":
		d.count(Passed, n)
	case "fail":
		d.count(Failed, n)
		d.ended("")
	case "cancelled":
		d.count(Failed, n)
	case "skipped":
		d.count(Skipped, n)
		if n > 0 && s.Ended {
			d.ended(text)
		}
	case "todo":
		d.count(ExpectedFailure, n)
	}
}
