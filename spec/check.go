package spec

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// DefaultTimeout ends a check's run where it names no timeout of its own.
const DefaultTimeout = 10 * time.Minute

// At says where verify re-runs a check.
type At string

// AtHead is the commit (or worktree) being verified, AtPhase the commit that
// completed the spec.
const (
	AtHead  At = "head"
	AtPhase At = "phase"
)

// Check is a command bound to a criterion. Build one only by Parse, which
// fills in the defaults.
type Check struct {
	Lang   string // "sh", "bash", "python" or an interpreter that the config names
	Script string // the fence's content
	Info   string // the fence's info string as written
	Pos    Pos    // of the opening fence

	ExpectFail   bool           // expect=fail
	Exit         *int           // exit=N: the exact exit code wanted; nil where not named
	Match        *regexp.Regexp // the output must match; nil where not named
	NoMatch      *regexp.Regexp // the output must not match
	Repeat       int            // runs; at least 1
	AtLeast      int            // of Repeat runs, how many must hold; 1..Repeat
	Timeout      time.Duration  // of one run
	Dir          string         // slash-separated, inside the project; "." by default
	MatchTimeout bool           // with ExpectFail: a timeout is the failure wanted
	At           At
	Exclusive    bool
	Env          []string // "NAME=VALUE", in the order written
}

// Wants says in a few words what the check asks for, such as
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
