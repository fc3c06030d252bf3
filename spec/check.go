package spec

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// DefaultTimeout is the timeout of a check that has no timeout attribute.
const DefaultTimeout = 10 * time.Minute

// At says in which tree verify runs a check again.
type At string

// AtHead is the commit (or work tree) that is verified, AtPhase the commit that
// completed the spec.
const (
	AtHead  At = "head"
	AtPhase At = "phase"
)

// Check is the command of a criterion. Only Parse makes one, with the defaults
// filled in.
type Check struct {
	Lang   string // "sh", "bash", "python" or an interpreter that the config names
	Script string // content of the code block
	Info   string // info string as written
	Pos    Pos    // position of the opening fence

	ExpectFail   bool           // expect=fail
	Exit         *int           // exit=N: the exact exit code; nil if not given
	Match        *regexp.Regexp // the output must match; nil if not given
	NoMatch      *regexp.Regexp // the output must not match; nil if not given
	Repeat       int            // number of runs; at least 1
	AtLeast      int            // how many of the Repeat runs must hold; 1..Repeat
	Timeout      time.Duration  // of one run
	Dir          string         // slash-separated, inside the project; "." by default
	MatchTimeout bool           // with ExpectFail: a timeout is the expected failure
	At           At
	Exclusive    bool
	Env          []string // "NAME=VALUE", in file order
}

// Wants says in a few words what the check expects, such as
// "fails, matching \"update lost\", 20 runs".
func (c *Check) Wants() string {
	words := []string{"passes"}
	switch {
	case c.Exit != nil:
		words[0] = fmt.Sprintf("exits with %d", *c.Exit)
	case c.MatchTimeout:
		words[0] = "fails or times out"
	case c.ExpectFail:
		words[0] = "fails"
	}
	if c.Match != nil {
		words = append(words, fmt.Sprintf(`matching "%s"`, c.Match))
	}
	if c.NoMatch != nil {
		words = append(words, fmt.Sprintf(`not matching "%s"`, c.NoMatch))
	}
	switch {
	case c.AtLeast < c.Repeat:
		words = append(words, fmt.Sprintf("at least %d of %d runs", c.AtLeast, c.Repeat))
	case c.Repeat > 1:
		words = append(words, fmt.Sprintf("%d runs", c.Repeat))
	}
	return strings.Join(words, ", ")
}
