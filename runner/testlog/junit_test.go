package testlog

import (
	"strings"
	"testing"
)

// The files are those of pytest 9.2, gotestsum 1.13, Surefire 3.2, GoogleTest 1.12 and PHPUnit 9.6,
// without what is not read.
func TestJUnit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, want string
	}{
		{"pytest", `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1">` +
			`<testcase classname="test_m" name="test_a" time="0.000" />` +
			`<testcase classname="test_m" name="test_s"><skipped type="pytest.skip" message="later">test_m.py:6: later</skipped></testcase>` +
			`<testcase classname="test_m" name="test_x"><skipped type="pytest.xfail" message="known" /></testcase>` +
			`<testcase classname="test_m" name="test_f"><failure message="assert 1 == 2">no</failure></testcase>` +
			`<testcase classname="test_m" name="test_e"><error message="failed on setup">no</error></testcase></testsuite></testsuites>`,
			"JUnit XML: 1 passed (test_m.test_a); 2 failed (test_m.test_f, test_m.test_e); 1 skipped (test_m.test_s); " +
				"1 expected failure (test_m.test_x)"},
		{"surefire, flaky", `<testsuite name="m.KTest" tests="1"><properties><property name="a" value="b"/></properties>` +
			`<testcase name="flaky" classname="m.KTest"><flakyFailure message="first time">no</flakyFailure></testcase></testsuite>`,
			"JUnit XML: 1 passed (m.KTest.flaky); 1 rerun (m.KTest.flaky)"},
		{"surefire, failed again", `<testsuite><testcase name="t" classname="m.K"><failure>no</failure><rerunFailure>no</rerunFailure></testcase></testsuite>`,
			"JUnit XML: 1 failed (m.K.t)"},
		{"gotestsum, run again", `<testsuites><testsuite name="m/k"><testcase classname="m/k" name="TestFlaky"><failure message="Failed">no</failure></testcase>` +
			`<testcase classname="m/k" name="TestFlaky"></testcase></testsuite></testsuites>`,
			"JUnit XML: 1 passed (m/k.TestFlaky); 1 rerun (m/k.TestFlaky)"},
		{"gtest", `<testsuites><testsuite name="Calc"><testcase name="Off" status="notrun" classname="Calc" />` +
			`<testcase name="Later" status="run" classname="Calc"><skipped message="t.cc:4"/></testcase></testsuite></testsuites>`,
			"JUnit XML: 2 skipped (Calc.Off, Calc.Later)"},
		{"phpunit", `<testsuites><testsuite name="all"><testsuite name="MixedTest"><testcase name="testA" class="MixedTest" classname="MixedTest"/>` +
			`</testsuite></testsuite></testsuites>`, "JUnit XML: 1 passed (MixedTest.testA)"},
		{"no test", `<testsuites name="pytest tests"/>`, "JUnit XML"},
		{"cut short", `<testsuites><testsuite><testcase name="a"/>`, "reading JUnit XML: XML syntax error on line 1: unexpected EOF"},
		{"empty", "", "reading JUnit XML: EOF"},
		{"another document", "<html/>", "reading JUnit XML: <html> is not <testsuites> or <testsuite>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			reports, err := NewReaders().Reports("1 failed in 0.01s\n", []byte(tt.file))
			if err != nil {
				got = err.Error()
			} else if len(reports) == 1 {
				got = describe(reports[0])
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// FuzzJUnit says that a file is read as a whole, or not at all.
func FuzzJUnit(f *testing.F) {
	f.Add(`<testsuites><testsuite><testcase classname="a" name="b"><failure/></testcase></testsuite></testsuites>`)
	f.Add(`<testsuite><testcase name="b"><skipped type="xfail"/></testcase></testsuite>`)
	f.Fuzz(func(t *testing.T, file string) {
		reports, err := readJUnit([][]byte{[]byte(file)})
		if err != nil {
			return
		}
		tests := 0
		for _, n := range reports[0].Counts {
			tests += n
		}
		if tests > strings.Count(file, "<")*2 {
			t.Errorf("%d results of %q", tests, file)
		}
	})
}
