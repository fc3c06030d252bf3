package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// commandEntries reads the settings that the environment carries: numbered
// variables, and GIT_CONFIG_PARAMETERS, in which `git -c` hands its settings
// to the commands that it starts.
func commandEntries(env environ) ([]entry, error) {
	entries, err := numberedEntries(env)
	if err != nil {
		return nil, err
	}
	list, _ := env.lookup("GIT_CONFIG_PARAMETERS")
	quoted, err := parseParameters(list)
	if err != nil {
		return nil, fmt.Errorf("reading GIT_CONFIG_PARAMETERS: %w", err)
	}
	return append(entries, quoted...), nil
}

// numberedEntries reads GIT_CONFIG_COUNT, GIT_CONFIG_KEY_n and
// GIT_CONFIG_VALUE_n.
func numberedEntries(env environ) ([]entry, error) {
	text, _ := env.lookup("GIT_CONFIG_COUNT")
	if text == "" {
		return nil, nil
	}
	count, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(text, " \t\n\v\f\r"), "+"), 10, 64)
	if err != nil || count > math.MaxInt32 {
		return nil, fmt.Errorf("GIT_CONFIG_COUNT: %q is no count", text)
	}
	var entries []entry
	for i := range count {
		n := strconv.FormatUint(i, 10)
		key, ok := env.lookup("GIT_CONFIG_KEY_" + n)
		value, ok2 := env.lookup("GIT_CONFIG_VALUE_" + n)
		if !ok || !ok2 {
			return nil, fmt.Errorf("GIT_CONFIG_COUNT is %d, but GIT_CONFIG_KEY_%s or GIT_CONFIG_VALUE_%s isn't set", count, n, n)
		}
		if key, err = checkedKey(key); err != nil {
			return nil, fmt.Errorf("reading GIT_CONFIG_KEY_%s: %w", n, err)
		}
		entries = append(entries, entry{key: key, value: value})
	}
	return entries, nil
}

// checkedKey gives the canonical form of a key that no parser has seen.
func checkedKey(key string) (string, error) {
	section, middle, name := splitKey(key)
	valid := strings.LastIndexByte(key, '.') > 0 && name != "" && isLetter(name[0]) && !strings.Contains(middle, "\n")
	for _, b := range []byte(section + name) {
		valid = valid && isKeyByte(b)
	}
	if !valid {
		return "", fmt.Errorf("%q is no key of a setting", key)
	}
	return canonical(key), nil
}

// parseParameters reads 'key'='value', 'key'= (a name alone) and the older
// form 'key=value', separated by blanks.
func parseParameters(list string) ([]entry, error) {
	errFormat := errors.New("not the form that git writes")
	var entries []entry
	for list != "" {
		var e entry
		var ok bool
		if e.key, list, ok = unquote(list); !ok {
			return nil, errFormat
		}
		switch {
		case list == "" || isSpace(list[0]):
			e.key, e.value, ok = strings.Cut(e.key, "=")
			e.bare = !ok
			e.key = strings.TrimFunc(e.key, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) })
		case list[0] == '=':
			list = list[1:]
			if e.bare = list == "" || isSpace(list[0]); e.bare {
				break
			}
			if e.value, list, ok = unquote(list); !ok || list != "" && !isSpace(list[0]) {
				return nil, errFormat
			}
		default:
			return nil, errFormat
		}
		var err error
		if e.key, err = checkedKey(e.key); err != nil {
			return nil, err
		}
		entries = append(entries, e)
		list = strings.TrimLeft(list, " \t\n\r")
	}
	return entries, nil
}

// unquote reads a shell word in single quotes, in which \' and \! may stand
// between two quoted parts, and gives what is behind it.
func unquote(s string) (word, rest string, ok bool) {
	if !strings.HasPrefix(s, "'") {
		return "", "", false
	}
	for {
		part, after, ok := strings.Cut(s[1:], "'")
		if !ok {
			return "", "", false
		}
		word += part
		if len(after) < 3 || after[0] != '\\' || after[1] != '\'' && after[1] != '!' || after[2] != '\'' {
			return word, after, true
		}
		word += after[1:2]
		s = after[2:]
	}
}
