package cmd

import (
	"errors"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// colours is an environment in which every stream counts as a terminal.
func colours(more ...string) []string {
	return append([]string{"TERM=xterm-256color", "TTY_FORCE=1"}, more...)
}

func TestTableAlignment(t *testing.T) {
	t.Parallel()
	rows := [][]text{
		{coloured("✓", green), plain("001"), bold("done"), plain("last")},
		{plain("·"), plain("世界"), coloured("x", red), faint("a\x1b[2J")},
		{plain(""), plain("e\u0301"), plain("")},
	}
	const want = "✓  001   done  last\n" +
		"·  世界  x     a^[[2J\n" +
		"   e\u0301\n"
	var off, on strings.Builder
	newScreen(&off, nil).table(rows)
	if off.String() != want {
		t.Errorf("got\n%s\nwant\n%s", off.String(), want)
	}
	newScreen(&on, colours()).table(rows)
	if on.String() == off.String() {
		t.Error("no style was written")
	}
	if got := ansi.Strip(on.String()); strings.ReplaceAll(got, " \n", "\n") != want {
		t.Errorf("styles move the columns:\n%s", got)
	}
}

func TestTableIsCutOnATerminal(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := newScreen(&b, nil)
	s.width = 9
	s.table([][]text{{plain("1"), plain("fits")}, {plain("2"), plain("世界世界世界")}})
	if want := "1  fits\n2  世界…\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  []string
		want string
	}{
		{"no terminal", []string{"TERM=xterm-256color"}, "a b"},
		{"terminal", colours(), "\x1b[31ma\x1b[m \x1b[1mb\x1b[m"},
		{"NO_COLOR", colours("NO_COLOR=1"), "\x1b[ma\x1b[m \x1b[1mb\x1b[m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			newScreen(&b, tt.env).line(coloured("a", red), bold("b"))
			if got := b.String(); got != tt.want+"\n" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := newScreen(&b, nil)
	s.line(plain("a"), plain(""), faint("b\nc"), plain(""))
	s.line()
	if want := "a b^Jc\n\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestVariable(t *testing.T) {
	t.Parallel()
	env := []string{"CI=1", "CIX=2", "A=b=c", "CI=", "EMPTY"}
	for name, want := range map[string]string{"CI": "", "A": "b=c", "EMPTY": "", "MISSING": ""} {
		if got := variable(env, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

var errFull = errors.New("disk full")

// full accepts n writes, then fails.
type full struct{ n int }

func (f *full) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestScreenTellsThatItFailed(t *testing.T) {
	t.Parallel()
	s := newScreen(&full{1}, nil)
	s.line(plain("a"))
	if err := s.failed(); err != nil {
		t.Errorf("too early: %v", err)
	}
	s.line(plain("b"))
	s.line(plain("c"))
	if err := s.failed(); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}
