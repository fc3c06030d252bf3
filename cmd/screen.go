package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"chant/spec"
)

// screen writes lines of styled text. It cleans every text, so that no control
// character from a file or a command reaches a terminal. It removes colours if
// the stream is not a terminal or NO_COLOR is set.
type screen struct {
	out   io.Writer
	width int // columns of the terminal; 0 if the stream is not a terminal
	err   error
}

const defaultWidth = 80

func newScreen(w io.Writer, env []string) *screen {
	s := &screen{out: colorprofile.NewWriter(w, env)}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) && variable(env, "CI") == "" && variable(env, "TERM") != "dumb" {
		s.width = defaultWidth
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			s.width = width
		}
	}
	return s
}

func (a *App) stdout() *screen { return newScreen(a.Out, a.Env) }
func (a *App) stderr() *screen { return newScreen(a.Err, a.Env) }

// terminal reports whether the stream is an interactive terminal.
func (s *screen) terminal() bool { return s.width > 0 }

// text is a piece of a line with its style.
type text struct {
	s     string
	style ansi.Style
}

func plain(s string) text             { return text{s, nil} }
func plainf(f string, a ...any) text  { return text{fmt.Sprintf(f, a...), nil} }
func bold(s string) text              { return text{s, ansi.Style{}.Bold()} }
func faint(s string) text             { return text{s, ansi.Style{}.Faint()} }
func coloured(s string, c color) text { return text{s, ansi.Style{}.ForegroundColor(c)} }

type color = ansi.BasicColor

const (
	red    = ansi.Red
	green  = ansi.Green
	yellow = ansi.Yellow
	cyan   = ansi.Cyan
)

func (t text) width() int { return ansi.StringWidth(clean(t.s)) }

func (t text) render() string {
	if t.style == nil || t.s == "" {
		return clean(t.s)
	}
	return t.style.Styled(clean(t.s))
}

// line writes the texts that are not empty, separated by a blank.
func (s *screen) line(texts ...text) {
	var parts []string
	for _, t := range texts {
		if t.s != "" {
			parts = append(parts, t.render())
		}
	}
	s.write(strings.TrimRight(strings.Join(parts, " "), " ") + "\n")
}

// table writes rows with aligned columns, separated by two blanks. Rows are cut
// at the edge of a terminal.
func (s *screen) table(rows [][]text) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cell.width())
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell.render())
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-cell.width()+2))
			}
		}
		line := strings.TrimRight(b.String(), " ")
		if s.terminal() {
			line = ansi.Truncate(line, s.width, "…")
		}
		s.write(line + "\n")
	}
}

// write stores the first error for failed.
func (s *screen) write(rendered string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.out, rendered)
	}
}

// failed returns the first error of write.
func (s *screen) failed() error {
	if s.err != nil {
		return fmt.Errorf("writing output: %w", s.err)
	}
	return nil
}

// variable returns the value of an environment variable; the last entry counts.
func variable(env []string, name string) string {
	last := ""
	for _, v := range env {
		if key, value, _ := strings.Cut(v, "="); key == name {
			last = value
		}
	}
	return last
}

// clean makes text from files and commands safe to show on one line: it applies
// spec.Visible, and shows tabs as blanks and newlines as ^J.
func clean(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(spec.Visible(s), "\t", "    "), "\n", "^J")
}

// escapeJSON does the same for encoded JSON, whose strings can contain any
// character except C0 controls. It writes the characters as \uXXXX.
func escapeJSON(encoded string) string {
	if spec.Visible(encoded) == encoded {
		return encoded
	}
	var b strings.Builder
	for _, r := range encoded {
		if r != 0x7F && !spec.Deceptive(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) { // RFC 8259, section 7
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// cleanLines cleans a text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}
