package config

import (
	"regexp"
	"strings"
)

// matchGlob tells whether a pattern matches all of text, by git's rules for
// paths (its wildmatch): * and ? stop at a slash, ** between slashes doesn't.
// With fold the case of ASCII letters is ignored as far as git does so: not
// for an escaped letter, nor for one that stands alone in brackets.
func matchGlob(pattern, text string, fold bool) bool {
	if fold {
		text = lower(text)
	}
	expr, ok := globRegexp(pattern, fold)
	if !ok {
		return false
	}
	re, err := regexp.Compile(expr)
	return err == nil && re.MatchString(latin1(text))
}

// latin1 makes a rune of each byte, because git matches bytes.
func latin1(s string) string {
	runes := make([]rune, len(s))
	for i, b := range []byte(s) {
		runes[i] = rune(b)
	}
	return string(runes)
}

// globRegexp translates a pattern; not ok where it can match nothing.
func globRegexp(pattern string, fold bool) (expr string, ok bool) {
	var re strings.Builder
	literal := func(b byte) { re.WriteString(regexp.QuoteMeta(latin1(string([]byte{b})))) }
	re.WriteString(`(?s)^`)
	for i := 0; i < len(pattern); i++ {
		switch b := pattern[i]; b {
		case '*':
			expr, n := stars(pattern, i)
			re.WriteString(expr)
			i += n - 1
		case '?':
			re.WriteString(`[^/]`)
		case '\\':
			if i++; i == len(pattern) {
				return "", false
			}
			literal(pattern[i])
		case '[':
			set, n, ok := brackets(pattern[i:], fold)
			if !ok {
				return "", false
			}
			re.WriteString(set.regexp())
			i += n - 1
		default:
			if fold {
				b = lowerByte(b)
			}
			literal(b)
		}
	}
	re.WriteString(`$`)
	return re.String(), true
}

// stars translates the stars at pattern[i], and gives how many bytes they
// are. Two that fill the space between slashes stand for any number of
// folders, together with the slash behind them.
func stars(pattern string, i int) (expr string, n int) {
	rest := strings.TrimLeft(pattern[i:], "*")
	n = len(pattern) - i - len(rest)
	filled := (i == 0 || pattern[i-1] == '/') &&
		(rest == "" || rest[0] == '/' || strings.HasPrefix(rest, `\/`))
	switch {
	case n == 1 || !filled:
		return `[^/]*`, n
	case rest != "" && rest[0] == '/':
		return `(?:.*/)?`, n + 1
	default:
		return `.*`, n
	}
}

// byteSet is a set of bytes.
type byteSet [256]bool

// regexp gives a regular expression for one byte of the set, as latin1 has
// it.
func (set *byteSet) regexp() string {
	const hex = "0123456789abcdef"
	// No pattern or path holds a NUL, so it can stand in an empty set.
	re := []byte(`[\x00`)
	for b, in := range set {
		if in {
			re = append(re, '\\', 'x', hex[b>>4], hex[b&15])
		}
	}
	return string(append(re, ']'))
}

// brackets reads a set at the start of pattern, and gives how many bytes it
// takes; not ok where it isn't closed or names a class that isn't known.
func brackets(pattern string, fold bool) (set byteSet, n int, ok bool) {
	n = 1
	negated := strings.HasPrefix(pattern, "[!") || strings.HasPrefix(pattern, "[^")
	if negated {
		n++
	}
	var low byte // where a range would begin; 0 where none can
	for first := true; first || pattern[n] != ']'; first = false {
		var size int
		size, low, ok = set.addItem(pattern[n:], low, fold)
		n += size
		if !ok || n == len(pattern) {
			return set, 0, false
		}
	}
	for b := range set {
		set[b] = set[b] != negated && b != '/' && b != 0
	}
	return set, n + 1, true
}

// addItem adds the byte, range or class at the start of p, and gives its size
// and the byte with which a range might begin.
func (set *byteSet) addItem(p string, low byte, fold bool) (size int, last byte, ok bool) {
	if p != "" && p[0] == '-' && low != 0 && len(p) > 1 && p[1] != ']' {
		size, high, ok := escapable(p[1:])
		set.add(func(b byte) bool { return low <= b && b <= high }, fold)
		return 1 + size, 0, ok
	}
	if strings.HasPrefix(p, "[:") {
		name, _, closed := strings.Cut(p[2:], "]")
		if !closed {
			return 0, 0, false
		}
		if name, isClass := strings.CutSuffix(name, ":"); isClass {
			class := classOf(name)
			if class != nil {
				set.add(class, fold)
			}
			return len("[:" + name + ":]"), 0, class != nil
		}
	}
	size, last, ok = escapable(p)
	set[last] = true
	return size, last, ok
}

// escapable reads one byte, which may have a backslash before it.
func escapable(p string) (size int, b byte, ok bool) {
	switch {
	case p == "" || p == `\`:
		return 0, 0, false
	case p[0] == '\\':
		return 2, p[1], true
	default:
		return 1, p[0], true
	}
}

// add adds the bytes that belong. With fold, where all text is in lower case,
// these are also the letters whose capitals belong.
func (set *byteSet) add(belongs func(byte) bool, fold bool) {
	for i := range set {
		b := byte(i)
		if belongs(b) || fold && b >= 'a' && b <= 'z' && belongs(b-'a'+'A') {
			set[b] = true
		}
	}
}

// classOf gives the bytes of a POSIX class in ASCII; nil where there is none
// of that name. For "space" git knows no form feed and no vertical tab.
func classOf(name string) func(byte) bool {
	printable := func(b byte) bool { return b >= ' ' && b <= '~' }
	isAlnum := func(b byte) bool { return isLetter(b) || isDigit(b) }
	switch name {
	case "alnum":
		return isAlnum
	case "alpha":
		return isLetter
	case "blank":
		return func(b byte) bool { return b == ' ' || b == '\t' }
	case "cntrl":
		return func(b byte) bool { return b < ' ' || b == 0x7f }
	case "digit":
		return isDigit
	case "graph":
		return func(b byte) bool { return printable(b) && b != ' ' }
	case "lower":
		return func(b byte) bool { return b >= 'a' && b <= 'z' }
	case "print":
		return printable
	case "punct":
		return func(b byte) bool { return printable(b) && b != ' ' && !isAlnum(b) }
	case "space":
		return isSpace
	case "upper":
		return func(b byte) bool { return b >= 'A' && b <= 'Z' }
	case "xdigit":
		return func(b byte) bool { return isDigit(b) || lowerByte(b) >= 'a' && lowerByte(b) <= 'f' }
	}
	return nil
}
