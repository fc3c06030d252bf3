package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// parse reads a config file in the format of git-config(1), "Syntax", and
// accepts exactly what git accepts. The error has the file's name and the
// line.
func parse(name string, src []byte) ([]entry, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	p := &parser{src: bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))}
	var entries []entry
	section := ""
	for p.pos < len(p.src) {
		start := p.pos
		var err error
		switch b := p.next(); {
		case isSpace(b):
		case b == '#' || b == ';':
			p.skipComment()
		case b == '[':
			section, err = p.section()
		case isLetter(b):
			p.pos--
			var e entry
			e, err = p.setting()
			e.key = cString(section + e.key)
			entries = append(entries, e)
		default:
			err = errors.New("a setting must begin with a letter")
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, 1+bytes.Count(p.src[:start], []byte("\n")), err)
		}
	}
	return entries, nil
}

// parser is a place in a config file.
type parser struct {
	src []byte
	pos int
}

// next removes and gives the next byte. The end of the file is a newline, as
// often as it is asked for.
func (p *parser) next() byte {
	if p.pos == len(p.src) {
		return '\n'
	}
	p.pos++
	return p.src[p.pos-1]
}

// takeWhile removes and gives the longest run of bytes that match.
func (p *parser) takeWhile(match func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.src) && match(p.src[p.pos]) {
		p.pos++
	}
	return string(p.src[start:p.pos])
}

func (p *parser) skipComment() {
	p.takeWhile(func(b byte) bool { return b != '\n' })
}

// section reads a header behind its "[", and gives what begins the keys of
// its settings: "name." or "name.subsection.".
func (p *parser) section() (string, error) {
	errHeader := errors.New(`a section header must be [name] or [name "subsection"]`)
	name := lower(p.takeWhile(func(b byte) bool { return isKeyByte(b) || b == '.' }))
	b := p.next()
	if b == ']' && name != "" {
		return name + ".", nil
	}
	if !isSpace(b) || b == '\n' {
		return "", errHeader
	}
	p.takeWhile(func(b byte) bool { return isSpace(b) && b != '\n' })
	if p.next() != '"' {
		return "", errHeader
	}
	sub, err := p.subsection()
	if err != nil {
		return "", err
	}
	if p.next() != ']' {
		return "", errHeader
	}
	return name + "." + sub + ".", nil
}

// subsection reads behind the opening quote to the closing one. A backslash
// stands for nothing but the byte behind it.
func (p *parser) subsection() (string, error) {
	var sub strings.Builder
	for {
		b := p.next()
		if b == '"' {
			return sub.String(), nil
		}
		if b == '\\' {
			b = p.next()
		}
		if b == '\n' {
			return "", errors.New("the quote in the section header isn't closed")
		}
		sub.WriteByte(b)
	}
}

// setting reads `name = value`, or a name alone.
func (p *parser) setting() (entry, error) {
	e := entry{key: lower(p.takeWhile(isKeyByte))}
	p.takeWhile(func(b byte) bool { return b == ' ' || b == '\t' })
	var err error
	switch p.next() {
	case '\n':
		e.bare = true
	case '=':
		e.value, err = p.value()
	default:
		err = fmt.Errorf("= is missing behind %s", e.key)
	}
	return e, err
}

// value reads to the end of the line, or further where a backslash ends it.
// Blanks around the value don't belong to it, unless they are quoted.
func (p *parser) value() (string, error) {
	var v []byte
	quoted := false
	solid := 0 // length of v without the blanks at its end
	for {
		b := p.next()
		switch {
		case b == '\n' && quoted:
			return "", errors.New("the quote isn't closed on its line")
		case b == '\n':
			return cString(string(v[:solid])), nil
		case !quoted && isSpace(b):
			if len(v) > 0 {
				v = append(v, b)
			}
			continue
		case !quoted && (b == '#' || b == ';'):
			p.skipComment()
			continue
		case b == '"':
			quoted = !quoted
		case b == '\\':
			escaped, ok := unescape(p.next())
			if !ok {
				return "", errors.New(`a backslash may stand before \, ", n, t, b and the end of the line only`)
			}
			v = append(v, escaped...)
		default:
			v = append(v, b)
		}
		solid = len(v)
	}
}

// unescape gives what a backslash and b stand for: nothing, where the line
// goes on in the next.
func unescape(b byte) (string, bool) {
	switch b {
	case '\n':
		return "", true
	case '\\', '"':
		return string(b), true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'b':
		return "\b", true
	default:
		return "", false
	}
}

// cString cuts s at its first NUL: git, a C program, sees no further.
func cString(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// lower is strings.ToLower without the letters beyond ASCII, which git leaves
// alone. It keeps the length.
func lower(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lowerByte(b[i])
	}
	return string(b)
}

func lowerByte(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// isKeyByte tells whether b may stand in the name of a section or a setting.
func isKeyByte(b byte) bool { return isLetter(b) || isDigit(b) || b == '-' }

// isSpace knows git's blanks: no form feed, no vertical tab.
func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }
