package testlog

import (
	"regexp"
	"strings"
)

// surefire reads the output of Maven 3 with Surefire or Failsafe 2 and 3. The modules of a
// build are one report: most projects have some without tests.
func surefire() func() listener {
	level := compile(`^\[(?:INFO|WARNING|ERROR)\] +`)
	begin := compile(`^Scanning for projects\.\.\.$`)
	total := compile(`^Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)(?:, Flakes: (\d+))?$`)
	failure := compile(`^(\S+\.\S+) -- Time elapsed: .* <<< (?:FAILURE|ERROR)!$`)
	flake := compile(`^(\w\S*\.\w\S*)$`)
	empty := compile(`^(?:No tests to run\.|Tests are skipped\.` +
		`|Failed to execute goal .*: No tests (?:matching pattern .*|were) .*executed! .*)$`)
	broken := compile(`^(?:COMPILATION ERROR : *|The forked VM terminated without .*)$`)
	return func() listener {
		flakes := false
		return lines(func(text string, d *draft) {
			text = level.ReplaceAllString(text, "")
			switch {
			case begin.MatchString(text):
				d.begin(false)
			case total.MatchString(text):
				surefireTotal(total.FindStringSubmatch(text), d)
				flakes = false
			case failure.MatchString(text):
				d.event(failure.FindStringSubmatch(text)[1], Failed)
			case strings.HasPrefix(text, "Flakes:"):
				flakes = true
			case flakes && flake.MatchString(text):
				d.only(text, Rerun)
			case empty.MatchString(text):
				d.ended(text)
			case broken.MatchString(text):
				d.broken(text)
			}
		})
	}
}

// surefireTotal reads the last line of the tests of a module.
func surefireTotal(found []string, d *draft) {
	failed, skipped, flakes := number(found[2])+number(found[3]), number(found[4]), number(found[5])
	d.count(Failed, failed)
	d.count(Skipped, skipped)
	d.count(Rerun, flakes)
	d.count(Passed, number(found[1])-failed-skipped)
	d.ended(found[0])
}

// gradlePatterns are the lines of Gradle 4 to 9.
type gradlePatterns struct {
	task, test, total, empty, broken, end *regexp.Regexp
}

func gradle() func() listener {
	p := &gradlePatterns{
		task:   compile(`^(?:> Task )?(?::[\w.-]+)*:(?:test|\w+Test)(?: (UP-TO-DATE|NO-SOURCE|FROM-CACHE|SKIPPED|FAILED))?$`),
		test:   compile(`^(\S.* > .*) (PASSED|FAILED|SKIPPED)$`),
		total:  compile(`^(\d+) tests? completed, (\d+) failed(?:, (\d+) skipped)?$`),
		empty:  compile(`^> No tests found for given includes: .*$`),
		broken: compile(`^Execution failed for task '(?::[\w.-]+)*:compile\w*'\.$`),
		end:    compile(`^BUILD (?:SUCCESSFUL|FAILED)(?: in .*)?$`),
	}
	return func() listener { return &gradleBuild{gradlePatterns: p} }
}

// gradleBuild reads one build. Gradle says nothing of tests that passed, unless its
// testLogging asks for them: then a test task that was executed is a pass.
type gradleBuild struct {
	*gradlePatterns

	executed bool   // a test task was
	idle     string // the line of a test task that was not
}

func (g *gradleBuild) line(text string, d *draft) {
	switch {
	case g.task.MatchString(text):
		switch g.task.FindStringSubmatch(text)[1] {
		case "":
			g.executed = true
		case "FAILED":
		default:
			g.idle = text
		}
	case strings.Contains(text, " > ") && g.test.MatchString(text):
		found := g.test.FindStringSubmatch(text)
		d.event(found[1], map[string]Result{"PASSED": Passed, "FAILED": Failed, "SKIPPED": Skipped}[found[2]])
	case g.total.MatchString(text):
		found := g.total.FindStringSubmatch(text)
		failed, skipped := number(found[2]), number(found[3])
		d.count(Failed, failed)
		d.count(Skipped, skipped)
		d.count(Passed, number(found[1])-failed-skipped)
		d.now().Line = text
		d.now().summed = true
	case g.empty.MatchString(text):
		g.idle = text
	case g.broken.MatchString(text):
		d.broken(text)
	case g.end.MatchString(text):
		g.built(d)
	}
}

func (g *gradleBuild) built(d *draft) {
	s := d.current()
	named := s != nil && len(s.Events) > 0
	switch {
	case s != nil && s.summed || named && g.executed:
		d.end("")
	case g.executed:
		d.count(Passed, 1)
		d.end("")
	case g.idle != "":
		d.end(g.idle)
	}
	g.executed, g.idle = false, ""
}

func (g *gradleBuild) close(*draft) {}
