package testlog

import (
	"regexp"
	"slices"
	"strings"
)

// goPatterns are the lines of go test, of go 1.26 (cmd/go, testing).
type goPatterns struct {
	run, result, passed, noFiles, failed, unbuilt, bench, listed, initFrame *regexp.Regexp
}

func goTest() func() listener {
	p := &goPatterns{
		run:     compile(`^=== RUN +(\S+)$`),
		result:  compile(`( *)--- (PASS|FAIL|SKIP): (\S+) \(\d+\.\d\ds\)$`), // after the test's own output, if that does not end with a newline
		passed:  compile(`^ok  \t(\S+)\t(.*)$`),
		noFiles: compile(`^\?   \t(\S+)\t\[no test files\]$`),
		failed:  compile(`^FAIL\t(\S+)\t\d+\.\d+s$`),
		unbuilt: compile(`^FAIL\t(\S+) \[(?:build|setup) failed\]$`),
		bench:   compile(`^(Benchmark\S+) +\t? *\d+\t *[0-9.]+ ns/op`),
		listed:  compile(`^(?:Test|Benchmark|Example|Fuzz)\w*$`), initFrame: compile(`^\S+\.init(?:\.\d+)?\(`),
	}
	return func() listener { return &goText{goPatterns: p, packages: map[string]bool{}} }
}

// goText reads the output of each package by itself, up to its result line.
type goText struct {
	*goPatterns

	packages map[string]bool // of the current report
	section  goSection
}

// goSection is what the tests of one package printed.
type goSection struct {
	events   []Event
	running  []string
	begin    int    // the number of the first line of a test; 0 if there is none
	panicked bool   // while the package was initialized, before any test
	lines    int    // how many
	listed   int    // how many are the names of tests
	warned   bool   // it printed that there are no tests to run
	verdict  string // PASS or FAIL, the last line of a test program
}

func (g *goText) line(text string, d *draft) {
	if found := g.run.FindStringSubmatch(text); found != nil {
		g.begin(d)
		g.section.running = append(g.section.running, found[1])
		return
	}
	if strings.Contains(text, "--- ") {
		if found := g.result.FindStringSubmatch(text); found != nil {
			g.begin(d)
			g.section.end(found[3], map[string]Result{"PASS": Passed, "FAIL": Failed, "SKIP": Skipped}[found[2]])
			return
		}
	}
	if g.packageLine(text, d) {
		return
	}
	s := &g.section
	switch {
	case text == "PASS" || text == "FAIL":
		s.verdict = text
		return
	case text == noTests:
		s.warned = true
		return
	case g.bench.MatchString(text):
		s.events = append(s.events, Event{g.bench.FindStringSubmatch(text)[1], Passed})
	case g.listed.MatchString(text):
		s.listed++
	case g.initFrame.MatchString(text):
		s.panicked = true
	}
	s.lines++
}

// begin notes that tests of a package run, so that the report is not complete.
func (g *goText) begin(d *draft) {
	if g.section.begin == 0 {
		g.section.begin = d.n
	}
	if s := d.current(); s != nil {
		s.busy = true
	}
}

func (s *goSection) end(name string, result Result) {
	s.events = append(s.events, Event{name, result})
	for i, running := range s.running {
		if running == name {
			s.running = append(s.running[:i], s.running[i+1:]...)
			break
		}
	}
}

// packageLine reads the line that ends the output of a package.
func (g *goText) packageLine(text string, d *draft) bool {
	if !strings.Contains(text, "\t") {
		return false
	}
	for _, l := range []struct {
		pattern *regexp.Regexp
		read    func(s *goSection, found []string, d *draft)
	}{
		{g.passed, (*goSection).pass}, {g.failed, (*goSection).fail}, {g.noFiles, (*goSection).empty},
		{g.unbuilt, func(_ *goSection, found []string, d *draft) { d.broken(found[0]) }},
	} {
		if found := l.pattern.FindStringSubmatch(text); found != nil {
			g.report(found[1], d)
			l.read(&g.section, found, d)
			d.ended("")
			g.section = goSection{}
			return true
		}
	}
	return false
}

// report starts another report if there is none, or if the package has already ended in it.
func (g *goText) report(name string, d *draft) {
	if d.current() == nil || g.packages[name] {
		d.next()
		clear(g.packages)
	}
	g.packages[name] = true
	s := d.now()
	s.busy = false
	if g.section.begin > 0 && !s.begun {
		s.begun, s.begin = true, g.section.begin
	}
}

// pass reads the end of a package whose tests did not fail: a line of it that says so of a
// test was printed by the test. Without -v, a passed test prints no line. A cached result
// repeats the lines of the tests.
func (s *goSection) pass(found []string, d *draft) {
	name, result := found[1], found[2]
	if strings.HasPrefix(result, "(cached)") || strings.HasSuffix(result, "[no tests to run]") || s.listed > 0 && s.listed == s.lines {
		s.empty(found, d)
		return
	}
	tests := 0
	for _, e := range s.events {
		if e.Result != Failed {
			d.event(name+"."+e.Test, e.Result)
			tests++
		}
	}
	if tests == 0 {
		d.count(Passed, 1)
	} else if !s.ran() {
		s.empty(found, d)
	}
}

func (s *goSection) ran() bool {
	return slices.ContainsFunc(s.events, func(e Event) bool { return e.Result == Passed || e.Result == Failed })
}

// empty notes the line of a package without a test that ran.
func (s *goSection) empty(found []string, d *draft) {
	if d.now().Line == "" {
		d.now().Line = found[0]
	}
}

// fail reads the end of a package that failed: a test did, or the program ended in the middle.
func (s *goSection) fail(found []string, d *draft) {
	for _, e := range s.events {
		d.event(found[1]+"."+e.Test, e.Result)
	}
	for _, running := range s.running {
		d.event(found[1]+"."+running, Failed)
	}
	switch {
	case s.panicked && !s.ran() && len(s.running) == 0:
		d.broken(found[0])
	case len(d.now().Names(Failed)) == 0:
		d.count(Failed, 1)
	}
}

// close reads the end of the output of a test program that was run directly.
func (g *goText) close(d *draft) {
	s := g.section
	if s.verdict == "" && s.begin == 0 {
		return
	}
	if s.begin == 0 && !s.warned {
		return // somebody else's PASS or FAIL, or the last line of go test
	}
	d.next()
	now := d.now()
	if s.begin > 0 {
		now.begun, now.sure, now.begin = true, s.verdict == "" && len(s.running) > 0, s.begin
	}
	for _, e := range s.events {
		d.event(e.Test, e.Result)
	}
	now.Running = s.running
	switch {
	case s.warned:
		d.ended(noTests)
	case s.verdict != "":
		d.ended(s.verdict)
	}
}

const noTests = "testing: warning: no tests to run"
