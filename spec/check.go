package spec

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
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
	JUnit        string         // a glob, below Dir, of the JUnit XML that the command writes; "" if not given
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

// attributeNames returns the attributes of a check, except env.NAME.
func attributeNames() []string {
	return []string{
		"expect", "exit", "match", "nomatch", "repeat", "atleast",
		"timeout", "dir", "match-timeout", "at", "exclusive", "junit",
	}
}

// attribute is one word of a check's info string: name or name=value.
type attribute struct {
	name, value string
	valued      bool
	pos         Pos
}

// attributes splits the rest of an info string. A value is a bare word or is in
// double quotes. There \" is a quote and \\ a backslash; any other backslash is
// itself, so that match="\d+" needs no escape.
func (b *body) attributes(rest string, start int) []attribute {
	var list []attribute
	for i := 0; ; {
		i += len(rest[i:]) - len(strings.TrimLeft(rest[i:], infoSpace))
		if i == len(rest) {
			return list
		}
		a := attribute{name: rest[i:], pos: b.pos(start + i)}
		if n := strings.IndexAny(a.name, infoSpace+"="); n >= 0 {
			a.name = a.name[:n]
		}
		i += len(a.name)
		if i < len(rest) && rest[i] == '=' {
			value, n, reason := attributeValue(rest[i+1:])
			if reason != "" {
				b.fail(a.pos, "attribute-value", `write name="value"`, "check attribute %q: %s", a.name, reason)
				return list
			}
			a.value, a.valued = value, true
			i += 1 + n
		}
		list = append(list, a)
	}
}

// attributeValue reads the value at the start of text. It returns the value with
// its length in text, or the reason why it can't be read.
func attributeValue(text string) (value string, n int, reason string) {
	if !strings.HasPrefix(text, `"`) {
		if n := strings.IndexAny(text, infoSpace); n >= 0 {
			text = text[:n]
		}
		if strings.Contains(text, `"`) {
			return "", 0, "a quote inside a bare value"
		}
		return text, len(text), ""
	}
	var sb strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			if i+1 < len(text) && !strings.ContainsRune(infoSpace, rune(text[i+1])) {
				return "", 0, "text right after the closing quote"
			}
			return sb.String(), i + 1, ""
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		}
		sb.WriteByte(text[i])
	}
	return "", 0, "the quote is not closed"
}

// apply sets one attribute of the check, or reports why it can't.
func (b *body) apply(c *Check, a attribute) {
	isFlag := a.name == "match-timeout" || a.name == "exclusive"
	isEnv := strings.HasPrefix(a.name, "env.")
	reason := ""
	switch {
	case !isEnv && !slices.Contains(attributeNames(), a.name):
		b.fail(a.pos, "unknown-attribute", DidYouMean(a.name, attributeNames()), "unknown check attribute %q", a.name)
		return
	case isFlag && a.valued:
		reason = "takes no value"
	case !isFlag && !a.valued, !isFlag && !isEnv && a.value == "":
		reason = "needs a value"
	default:
		reason = c.set(a)
	}
	if reason != "" {
		b.fail(a.pos, "attribute-value", "", "check attribute %q %s", a.name, reason)
	}
}

// set sets a known attribute, or returns the reason why its value is invalid.
func (c *Check) set(a attribute) string {
	switch a.name {
	case "expect":
		c.ExpectFail = a.value == "fail"
		if !c.ExpectFail && a.value != "pass" {
			return notOne("pass or fail", a)
		}
	case "exit":
		n, err := strconv.Atoi(a.value)
		if err != nil || n < 0 || n > 255 {
			return notOne("a whole number from 0 to 255", a)
		}
		c.Exit = &n
	case "match":
		return setRegexp(&c.Match, a)
	case "nomatch":
		return setRegexp(&c.NoMatch, a)
	case "repeat":
		return setCount(&c.Repeat, a)
	case "atleast":
		return setCount(&c.AtLeast, a)
	case "timeout":
		d, err := time.ParseDuration(a.value)
		if err != nil || d <= 0 {
			return notOne(`a positive duration such as "90s" or "2m"`, a)
		}
		c.Timeout = d
	case "dir":
		if c.Dir = path.Clean(a.value); leavesProject(c.Dir) || strings.Contains(c.Dir, `\`) {
			return notOne("a folder inside the project, with forward slashes", a)
		}
	case "match-timeout":
		c.MatchTimeout = true
	case "at":
		if c.At = At(a.value); c.At != AtHead && c.At != AtPhase {
			return notOne("head or phase", a)
		}
	case "exclusive":
		c.Exclusive = true
	case "junit":
		if c.JUnit = path.Clean(a.value); leavesProject(c.JUnit) || !doublestar.ValidatePattern(c.JUnit) || strings.Contains(c.JUnit, `\`) {
			return notOne("a pattern of files below dir, with forward slashes", a)
		}
	default:
		name := strings.TrimPrefix(a.name, "env.")
		if !isEnvName(name) {
			return "is not the name of an environment variable: letters, digits and _, no digit first"
		}
		c.Env = append(c.Env, name+"="+a.value)
	}
	return ""
}

func notOne(want string, a attribute) string {
	return fmt.Sprintf("must be %s, not %q", want, a.value)
}

func setCount(n *int, a attribute) string {
	v, err := strconv.Atoi(a.value)
	if err != nil || v < 1 {
		return notOne("a whole number of at least 1", a)
	}
	*n = v
	return ""
}

func setRegexp(re **regexp.Regexp, a attribute) string {
	v, err := regexp.Compile(a.value)
	if err != nil {
		return "is not an RE2 expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	*re = v
	return ""
}

// consistent reports attributes that exclude each other, and fills in the
// defaults that depend on other attributes.
func (b *body) consistent(c *Check, attrs map[string]attribute) {
	clash := func(name, format string, args ...any) {
		b.fail(attrs[name].pos, "attribute-clash", "", format, args...)
	}
	if _, ok := attrs["expect"]; ok && c.Exit != nil {
		clash("exit", "exit and expect exclude each other")
	}
	if c.AtLeast > c.Repeat {
		clash("atleast", "atleast=%d is more than repeat=%d", c.AtLeast, c.Repeat)
	}
	if c.MatchTimeout && !c.ExpectFail {
		clash("match-timeout", "match-timeout needs expect=fail")
	}
	if c.AtLeast == 0 {
		c.AtLeast = c.Repeat
	}
	if c.At == "" {
		c.At = AtHead
		if c.ExpectFail {
			c.At = AtPhase
		}
	}
}

func isEnvName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name)
}
