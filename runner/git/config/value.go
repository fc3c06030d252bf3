package config

import (
	"errors"
	"fmt"
	"math"
	"os/user"
	"regexp"
	"strconv"
	"strings"
)

// Bool gives the boolean that key is set to, def where it isn't set. True are
// true, yes, on, a number but 0 and a name without "=", false are false, no,
// off, 0 and the empty value, without regard to case; all else is an error.
func (c Config) Bool(key string, def bool) (bool, error) {
	e, ok := c.last(key)
	if !ok {
		return def, nil
	}
	b, err := e.bool()
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", key, err)
	}
	return b, nil
}

// bool reads the value as a boolean.
func (e entry) bool() (bool, error) {
	if e.bare {
		return true, nil
	}
	switch lower(e.value) {
	case "true", "yes", "on":
		return true, nil
	case "false", "no", "off", "":
		return false, nil
	}
	// Here git's numbers have 32 bits, and -1<<31 is out of range.
	n, err := parseInt(e.value)
	if err != nil || n > math.MaxInt32 || n < -math.MaxInt32 {
		return false, fmt.Errorf("%q is no boolean", e.value)
	}
	return n != 0, nil
}

// Int gives the number that key is set to, def where it isn't set. It may be
// decimal, hexadecimal with 0x or octal with 0, and have the unit k, m or g:
// 1024, or its second or third power.
func (c Config) Int(key string, def int64) (int64, error) {
	e, ok := c.last(key)
	if !ok {
		return def, nil
	}
	n, err := parseInt(e.value)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", key, err)
	}
	return n, nil
}

// number is what C's strtoimax takes with base 0, and git's units.
var number = regexp.MustCompile(`^[ \t\n\v\f\r]*([-+]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*))([kKmMgG]?)$`)

func parseInt(s string) (int64, error) {
	m := number.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is no number", s)
	}
	n, err := strconv.ParseInt(m[1], 0, 64)
	factor := int64(1) << map[string]int{"": 0, "k": 10, "m": 20, "g": 30}[lower(m[2])]
	if err != nil || n > math.MaxInt64/factor || n < -(math.MaxInt64/factor) {
		return 0, fmt.Errorf("%q is out of range", s)
	}
	return n * factor, nil
}

// Path gives the path that key is set to, "" where it isn't set, with ~ and
// ~user expanded. A relative path stays as it is: what it is relative to
// depends on the key. A path below %(prefix) is an error.
func (c Config) Path(key string) (string, error) {
	e, ok := c.last(key)
	if !ok {
		return "", nil
	}
	if e.bare {
		return "", fmt.Errorf("reading %s: it has no value", key)
	}
	path, err := expand(e.value, c.env.home)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", key, err)
	}
	return path, nil
}

// expand puts folders in place of ~ and ~user at the start of a path.
func expand(path string, home func() (string, error)) (string, error) {
	if strings.HasPrefix(path, "%(prefix)/") {
		return "", fmt.Errorf("where %q is, only the git program knows (install git)", path)
	}
	if !strings.HasPrefix(path, "~") {
		return path, nil
	}
	name, _, _ := strings.Cut(path[1:], "/")
	rest := path[1+len(name):]
	if name == "" {
		dir, err := home()
		return dir + rest, err
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.HomeDir + rest, nil
}

// errNoHome is why a path with ~ can't be expanded.
var errNoHome = errors.New("HOME isn't set")

// home gives the user's home folder.
func (env environ) home() (string, error) {
	home, ok := env.lookup("HOME")
	if !ok {
		return "", errNoHome
	}
	return home, nil
}
