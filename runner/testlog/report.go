package testlog

import "slices"

// Result is what became of a test.
type Result string

// The results. Only Passed is a pass: a test that was not run shows nothing, and one that
// passed when it was run again shows that it also fails.
const (
	Passed          Result = "passed"
	Failed          Result = "failed"
	Skipped         Result = "skipped" // not run: also ignored, disabled, pending or to be written
	ExpectedFailure Result = "expected failure"
	Rerun           Result = "rerun" // failed, and was run again
)

// Event is one result of one test. A test that was run again has several.
type Event struct {
	Test   string // as the runner names it, with its package, class or file where it is printed
	Result Result
}

// RunnerReport is what one runner said about one run of its tests.
type RunnerReport struct {
	Runner  string
	Events  []Event        // of the tests that the runner names
	Counts  map[Result]int // of all tests, also of those without a name
	Ended   bool           // the runner printed its summary
	Line    string         // the summary, or the line of it that matters
	Broken  string         // the line that says that tests could not be built or collected; "" if none does
	Died    bool           // it began, by a line that only this runner prints, and printed no summary
	Running []string       // the tests that had begun, and not ended, when the output ended
}

// Names returns the names of the tests with this result, in the order of the output.
func (r RunnerReport) Names(result Result) []string {
	var names []string
	for _, e := range r.Events {
		if e.Result == result {
			names = append(names, e.Test)
		}
	}
	return names
}

// NamesPasses tells whether the runner names every test that passed.
func (r RunnerReport) NamesPasses() bool {
	n := len(r.Names(Passed))
	return n > 0 && n >= r.Counts[Passed]
}

// span is a report with its place in the output.
type span struct {
	RunnerReport

	begun  bool // by a line that the runner prints before its first test
	sure   bool // by a line that nothing else prints: no summary after it means that the runner died
	summed bool // its summary has begun
	exact  bool // its summary says how many passed
	busy   bool // more of it follows, though it could end here
	begin  int  // the numbers of its first and last line
	end    int
}

// draft collects the reports of one runner while the output is read.
type draft struct {
	runner string
	n      int     // the number of the current line
	open   []*span // not complete; the last is the current one. More than one: a test ran its own runner
	done   []*span
}

// now returns the current report, and starts one if there is none.
func (d *draft) now() *span {
	if len(d.open) == 0 {
		d.push()
	}
	return d.open[len(d.open)-1]
}

func (d *draft) push() {
	d.open = append(d.open, &span{
		RunnerReport: RunnerReport{Runner: d.runner, Counts: map[Result]int{}}, begin: d.n, end: d.n,
	})
}

// current returns the current report; nil if there is none.
func (d *draft) current() *span {
	if len(d.open) == 0 {
		return nil
	}
	return d.open[len(d.open)-1]
}

// begin starts a report. sure says that only this runner prints the line.
func (d *draft) begin(sure bool) {
	d.next()
	if s := d.current(); s != nil && !s.begun {
		d.drop()
	}
	d.push()
	s := d.now()
	s.begun, s.sure = true, sure
}

// ended notes the line of a summary. More lines of it may follow.
func (d *draft) ended(line string) {
	s := d.now()
	s.Ended, s.end = true, d.n
	if line != "" {
		s.Line = line
	}
}

// next completes the current report if it has its summary: what follows is another run.
func (d *draft) next() {
	if s := d.current(); s != nil && s.Ended {
		d.drop()
		d.done = append(d.done, s)
	}
}

// end notes the last line of a report.
func (d *draft) end(line string) {
	d.ended(line)
	d.next()
}

func (d *draft) drop() { d.open = d.open[:len(d.open)-1] }

// event notes the result of a test, once.
func (d *draft) event(test string, result Result) {
	if e := (Event{test, result}); !d.has(e) {
		d.now().Events = append(d.now().Events, e)
	}
}

// has reports whether an event was noted, among the recent ones.
func (d *draft) has(e Event) bool {
	events := d.now().Events
	return slices.Contains(events[max(0, len(events)-recent):], e)
}

// recent is the number of events among which a repeated one is looked for: runners repeat
// failures at the end of their output, and a list of any length would take too long.
const recent = 1000

// only replaces all results of a test by this one.
func (d *draft) only(test string, result Result) {
	s := d.now()
	s.Events = slices.DeleteFunc(s.Events, func(e Event) bool { return e.Test == test })
	d.event(test, result)
}

// count adds to the counts of a summary.
func (d *draft) count(result Result, n int) { d.now().Counts[result] += max(n, 0) }

// broken notes the line that says that tests could not be built or collected.
func (d *draft) broken(line string) {
	if s := d.now(); s.Broken == "" {
		s.Broken = line
	}
}

// yield makes room when another runner has ended a report: what this one has read
// without a beginning belongs to that report, and what it has ended is complete.
func (d *draft) yield() {
	s := d.current()
	switch {
	case s == nil || s.busy || s.end == d.n && s.Ended:
	case s.Ended:
		d.next()
	case !s.begun && s.Broken == "":
		d.drop()
	}
}

// reports returns the reports that say something, after the end of the output.
func (d *draft) reports() []*span {
	list := d.done
	for _, s := range d.open {
		if s.Ended || s.sure || s.Broken != "" || s.begun && len(s.Events) > 0 {
			list = append(list, s)
		}
	}
	for _, s := range list {
		s.complete()
	}
	return list
}

// complete counts the events, if there are more of them than the summary says.
func (s *span) complete() {
	counts := map[Result]int{}
	for _, e := range s.Events {
		counts[e.Result]++
	}
	for result, n := range counts {
		if result == Passed && s.exact {
			continue // a runner may print an expected failure like a pass
		}
		s.Counts[result] = max(s.Counts[result], n)
	}
	s.Died = s.sure && !s.Ended
	if s.Ended {
		s.Running = nil
	}
}
