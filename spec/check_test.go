package spec

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// withCheck is a spec with one check; its info string starts at 3:6.
func withCheck(info string) []byte {
	return []byte("## Acceptance Criteria\n- [ ] é\n  ~~~" + info + "\n  run\n  ~~~\n")
}

func TestCheckAttributes(t *testing.T) {
	t.Parallel()
	three := 3
	byRegexp := cmp.Comparer(func(a, b *regexp.Regexp) bool {
		return (a == nil) == (b == nil) && (a == nil || a.String() == b.String())
	})
	for _, tt := range []struct {
		info  string
		set   func(*Check)
		wants string
	}{
		{"sh check", func(*Check) {}, "passes"},
		{"\tsh \t check  ", func(c *Check) { c.Info = "sh \t check" }, "passes"},
		{"checker check", func(c *Check) { c.Lang = "checker" }, "passes"},
		{"sh check expect=pass", func(*Check) {}, "passes"},
		{"sh check expect=fail", func(c *Check) { c.ExpectFail, c.At = true, AtPhase }, "fails"},
		{"sh check expect=fail at=head", func(c *Check) { c.ExpectFail = true }, "fails"},
		{"sh check at=phase", func(c *Check) { c.At = AtPhase }, "passes"},
		{"sh check expect=fail match-timeout", func(c *Check) {
			c.ExpectFail, c.MatchTimeout, c.At = true, true, AtPhase
		}, "fails or times out"},
		{"sh check exit=3", func(c *Check) { c.Exit = &three }, "exits with 3"},
		{"sh check repeat=20 match=\"update lost\"", func(c *Check) {
			c.Repeat, c.AtLeast, c.Match = 20, 20, regexp.MustCompile("update lost")
		}, `passes, matching "update lost", 20 runs`},
		{"sh check atleast=2 repeat=3 nomatch=x", func(c *Check) {
			c.Repeat, c.AtLeast, c.NoMatch = 3, 2, regexp.MustCompile("x")
		}, `passes, not matching "x", at least 2 of 3 runs`},
		{`sh check match="\d+\.\\d \"q\" = ok"`, func(c *Check) {
			c.Match = regexp.MustCompile(`\d+\.\d "q" = ok`)
		}, `passes, matching "\d+\.\d "q" = ok"`},
		{`sh check match=a=b\s`, func(c *Check) { c.Match = regexp.MustCompile(`a=b\s`) }, `passes, matching "a=b\s"`},
		{"sh check timeout=1m30s", func(c *Check) { c.Timeout = 90 * time.Second }, "passes"},
		{"sh check dir=./a/../b/", func(c *Check) { c.Dir = "b" }, "passes"},
		{`sh check dir="a b"`, func(c *Check) { c.Dir = "a b" }, "passes"},
		{`sh check exclusive env.B=1 env._a2="x y" env.E=`, func(c *Check) {
			c.Exclusive, c.Env = true, []string{"B=1", "_a2=x y", "E="}
		}, "passes"},
	} {
		t.Run(tt.info, func(t *testing.T) {
			t.Parallel()
			want := &Check{
				Lang: "sh", Script: "run\n", Info: strings.TrimSpace(tt.info), Pos: Pos{3, 3},
				Repeat: 1, AtLeast: 1, Timeout: DefaultTimeout, Dir: ".", At: AtHead,
			}
			tt.set(want)
			sp, problems := Parse("x.md", withCheck(tt.info))
			got := sp.Criteria[0].Check
			if diff := cmp.Diff(want, got, byRegexp); diff != "" || len(problems) > 0 {
				t.Fatalf("%v (-want +got):\n%s", problems, diff)
			}
			if got.Wants() != tt.wants {
				t.Errorf("Wants() = %q, want %q", got.Wants(), tt.wants)
			}
		})
	}
}

func TestCheckProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ info, want string }{
		{"sh check repeats=2", `3:15: unknown check attribute "repeats" (did you mean "repeat"?)`},
		{"sh check frobnicate", `3:15: unknown check attribute "frobnicate"`},
		{"sh check Repeat=2", `3:15: unknown check attribute "Repeat" (did you mean "repeat"?)`},
		{"sh check =2", `3:15: unknown check attribute ""`},
		{`sh check match="é" exit=x`, `3:25: check attribute "exit" must be a whole number from 0 to 255, not "x"`},
		{"sh check exit=256", `3:15: check attribute "exit" must be a whole number from 0 to 255, not "256"`},
		{"sh check exit=-1", `3:15: check attribute "exit" must be a whole number from 0 to 255, not "-1"`},
		{"sh check repeat=0", `3:15: check attribute "repeat" must be a whole number of at least 1, not "0"`},
		{"sh check atleast=1.5", `3:15: check attribute "atleast" must be a whole number of at least 1, not "1.5"`},
		{"sh check atleast=3 repeat=2", `3:15: atleast=3 is more than repeat=2`},
		{"sh check timeout=0s", `3:15: check attribute "timeout" must be a positive duration such as "90s" or "2m", not "0s"`},
		{"sh check timeout=5", `3:15: check attribute "timeout" must be a positive duration such as "90s" or "2m", not "5"`},
		{`sh check match="("`, "3:15: check attribute \"match\" is not an RE2 expression: missing closing ): `(`"},
		{`sh check nomatch=""`, `3:15: check attribute "nomatch" needs a value`},
		{"sh check expect=maybe match-timeout", `3:15: check attribute "expect" must be pass or fail, not "maybe"`},
		{"sh check expect", `3:15: check attribute "expect" needs a value`},
		{"sh check exit=0 expect=pass", `3:15: exit and expect exclude each other`},
		{"sh check match-timeout", `3:15: match-timeout needs expect=fail`},
		{"sh check junit=../r.xml", `3:15: check attribute "junit" must be a pattern of files below dir, with forward slashes, not "../r.xml"`},
		{"sh check junit=[", `3:15: check attribute "junit" must be a pattern of files below dir, with forward slashes, not "["`},
		{"sh check exclusive=1", `3:15: check attribute "exclusive" takes no value`},
		{"sh check at=base", `3:15: check attribute "at" must be head or phase, not "base"`},
		{"sh check dir=/etc", `3:15: check attribute "dir" must be a folder inside the project, with forward slashes, not "/etc"`},
		{"sh check dir=a/../../b", `3:15: check attribute "dir" must be a folder inside the project, with forward slashes, not "a/../../b"`},
		{`sh check dir=a\b`, `3:15: check attribute "dir" must be a folder inside the project, with forward slashes, not "a\\b"`},
		{"sh check env.1A=x", `3:15: check attribute "env.1A" is not the name of an environment variable: letters, digits and _, no digit first`},
		{"sh check env.=x", `3:15: check attribute "env." is not the name of an environment variable: letters, digits and _, no digit first`},
		{"sh check repeat=2 repeat=2", `3:24: check attribute "repeat" is given twice, first at column 15 (keep one of them)`},
		{`sh check match="a`, `3:15: check attribute "match": the quote is not closed (write name="value")`},
		{`sh check match="a"b`, `3:15: check attribute "match": text right after the closing quote (write name="value")`},
		{`sh check match=a"b"`, `3:15: check attribute "match": a quote inside a bare value (write name="value")`},
		{"check", `3:6: the check has no language (write the language first, as in "sh check")`},
		{"sh check foo bar", "3:15: unknown check attribute \"foo\"\n3:19: unknown check attribute \"bar\""},
	} {
		t.Run(tt.info, func(t *testing.T) {
			t.Parallel()
			sp, problems := Parse("x.md", withCheck(tt.info))
			var got []string
			for _, p := range problems {
				got = append(got, strings.TrimPrefix(p.Error(), "spec x: x.md:"))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c := sp.Criteria[0].Check; c != nil {
				t.Errorf("check = %+v, want none", c)
			}
		})
	}
}
