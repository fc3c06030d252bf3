package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// inGitsForm is what `git var` writes.
func (id Ident) inGitsForm() string {
	return fmt.Sprintf("%s <%s> %d %s", id.Name, id.Email, id.When.Unix(), id.When.Format("-0700"))
}

// identAgrees gives our reading, and an error where git's is another one. We
// may refuse where git guesses, which a test says by guess.
func identAgrees(h host, guess bool) (author, committer Ident, err, diff error) {
	c, err := Load(h.places(), nil)
	if err != nil {
		return Ident{}, Ident{}, err, err
	}
	author, committer, err = Identity(c, h.env, time.Unix(0, 0))
	wantAuthor, gitErr := h.git("var", "GIT_AUTHOR_IDENT")
	wantCommitter, gitErr2 := h.git("var", "GIT_COMMITTER_IDENT")
	want := string(wantAuthor) + string(wantCommitter)
	got := author.inGitsForm() + "\n" + committer.inGitsForm() + "\n"
	switch refused := errors.Join(gitErr, gitErr2); {
	case guess && err != nil:
	case (err != nil) != (refused != nil):
		diff = fmt.Errorf("we say %v, git says %v", err, refused)
	case err == nil && got != want:
		diff = fmt.Errorf("got %s, git says %s", got, want)
	}
	return author, committer, err, diff
}

func TestIdentityIsGits(t *testing.T) {
	t.Parallel()
	const user = "[user]name=U\nemail=u@x\n"
	tests := []struct {
		name, config string
		env          []string
		want         string // author, committer
		err          error  // with want "": any error, if nil
		guess        bool
	}{
		{name: "user", config: user, want: "U <u@x>, U <u@x>"},
		{name: "own sections", config: user + "[author]name=A\nemail=a@x\n[committer]name=C\nemail=c@x", want: "A <a@x>, C <c@x>"},
		{name: "empty own sections", config: user + "[author]name=\nemail=\n", want: "U <u@x>, U <u@x>"},
		{name: "author alone", config: "[author]name=A\nemail=a@x\n", err: ErrNoIdentity},
		{name: "mail of the author alone", config: "[user]name=U\n[author]email=a@x\n", env: []string{"EMAIL=e@x"}, want: "U <a@x>, U <>"},
		{name: "variables", config: user, env: []string{"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=C"}, want: "A <a@x>, C <u@x>"},
		{name: "variables only", env: []string{"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@x"}, want: "A <a@x>, C <c@x>"},
		{name: "empty mail variable", config: user, env: []string{"GIT_AUTHOR_EMAIL="}, want: "U <>, U <u@x>"},
		{name: "empty name variable", config: user, env: []string{"GIT_AUTHOR_NAME="}, err: ErrNoIdentity},
		{name: "empty user.email", config: "[user]name=U\nemail=\n", env: []string{"EMAIL=e@x"}, want: "U <>, U <>"},
		{name: "empty user.name", config: "[user]name=\nemail=u@x\n", err: ErrNoIdentity},
		{name: "EMAIL", config: "[user]name=U", env: []string{"EMAIL= e@x "}, want: "U <e@x>, U <e@x>"},
		{name: "EMAIL with useConfigOnly", config: "[user]name=U\nuseConfigOnly", env: []string{"EMAIL=e@x"}, err: ErrNoIdentity},
		{name: "variables with useConfigOnly", config: "[user]useConfigOnly=1\n", env: []string{"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@x"}, want: "A <a@x>, C <c@x>"},
		{name: "bad useConfigOnly", config: user + "useConfigOnly=maybe"},
		{name: "nothing", err: ErrNoIdentity, guess: true},
		{name: "no name", config: "[user]email=u@x", err: ErrNoIdentity, guess: true},
		{name: "no mail", config: "[user]name=U", err: ErrNoIdentity, guess: true},
		{name: "empty EMAIL", config: "[user]name=U", env: []string{"EMAIL="}, err: ErrNoIdentity, guess: true},
		{name: "bare name", config: "[user]name\nname=U\nemail=u@x"},
		{name: "bare mail", config: user + "[committer]email\nemail=x"},
		{name: "name of crud", config: "[user]name=\",: <>\"\nemail=u@x", err: ErrNoIdentity},
		{name: "crud", config: "[user]name = \" ;'U. <V>\\n\\\"W\\\" \\\\,\"\nemail = <u@x>", want: `U. V"W <u@x>, U. V"W <u@x>`},
		{name: "letters beyond ASCII", config: "[user]name=é \xff ü\nemail=u@x", want: "é \xff ü <u@x>, é \xff ü <u@x>"},
		{name: "bad date", config: user, env: []string{"GIT_COMMITTER_DATE=nonsense"}},
		{name: "last", config: user + "[user]name=V", want: "V <u@x>, V <u@x>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t).with("GIT_AUTHOR_DATE=1700000000 +0100", "GIT_COMMITTER_DATE=@1700000001 -0330").with(tt.env...)
			h.write(t, "home/.gitconfig", tt.config)
			author, committer, err, diff := identAgrees(h, tt.guess)
			if diff != nil {
				t.Fatal(diff)
			}
			got := fmt.Sprintf("%s <%s>, %s <%s>", author.Name, author.Email, committer.Name, committer.Email)
			if tt.want != "" && (err != nil || got != tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			if tt.want == "" && (err == nil || tt.err != nil && !errors.Is(err, tt.err)) {
				t.Errorf("got %q, %v, want the error %v", got, err, tt.err)
			}
		})
	}
}

func TestIdentityAgreesWithGitOnRandomNames(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "home/.gitconfig", "[user]name=U\nemail=u@x\n")
	// Dots stay within: git before version 2.42 strips them around a name.
	text := piecesOf("a", "B", "é", " ", ",", ":", ";", "<", ">", `"`, `\`, "'", "\n", "\t", "a.b", "@", "-", "\x01")
	rapid.Check(t, func(rt *rapid.T) {
		h := h.with("GIT_AUTHOR_NAME="+text.Draw(rt, "name"), "GIT_AUTHOR_EMAIL="+text.Draw(rt, "mail"),
			"GIT_AUTHOR_DATE=1700000000 +0100", "GIT_COMMITTER_DATE=1700000000 +0100")
		if _, _, _, diff := identAgrees(h, false); diff != nil {
			rt.Fatal(diff)
		}
	})
}

func TestIdentityIsNowWithoutADate(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 5, 6, 7, 8, 9, 999, time.FixedZone("", 2*3600))
	c := Config{entries: []entry{{key: "user.name", value: "Foo Jr."}, {key: "user.email", value: "u@x"}}}
	author, committer, err := Identity(c, []string{"GIT_AUTHOR_DATE="}, now)
	if err != nil {
		t.Fatal(err)
	}
	const want = "Foo Jr. <u@x> 1714972089 +0200"
	if author.inGitsForm() != want || committer.inGitsForm() != want || author.When.Nanosecond() != 0 {
		t.Errorf("got %s and %s, want %s", author.inGitsForm(), committer.inGitsForm(), want)
	}
}

func TestDatesAreGits(t *testing.T) {
	t.Parallel()
	h := newHost(t).with("TZ=XYZ-5:30")
	h.write(t, "home/.gitconfig", "[user]name=U\nemail=u@x\n")
	local := time.FixedZone("", 5*3600+30*60)
	known := []string{
		"@0 +0000", "@1 -1200", "1700000000 +0100", "@1700000000 -0001", "1700000000", "@1700000000", "@4102444800 +0000",
		"Thu, 07 Apr 2005 22:13:13 +0200", "7 Apr 2005 22:13 -0930", "Thu, 7 Apr 2005 22:13:13", "01 Jan 1970 00:00:00 +0000",
		"2005-04-07T22:13:13", "2005-04-07 22:13:13 +0200", "2005-04-07T22:13:13Z", "2005-04-07T22:13:13+02:00", "2005-04-07T22:13:13-02",
		"2005-04-07 22:13", "2005-04-07T22:13:13.789+0545", "2099-12-31T23:59:59Z", "2024-02-29 00:00:00 -0000", "1970-01-01 00:00:00 -0100",
	}
	for _, date := range known {
		checkDate(t, h, date, local)
	}
}

// TestDatesWithoutAZoneAreGits is about the hours around a clock change.
func TestDatesWithoutAZoneAreGits(t *testing.T) {
	t.Parallel()
	const name = "America/New_York"
	local, err := time.LoadLocation(name)
	if _, missing := os.Stat("/usr/share/zoneinfo/" + name); err != nil || missing != nil {
		t.Skip("there are no time zones here")
	}
	h := newHost(t).with("TZ=" + name)
	h.write(t, "home/.gitconfig", "[user]name=U\nemail=u@x\n")
	for _, date := range []string{
		"2024-03-10 01:59:59", "2024-03-10 03:00:00", "2024-11-03 00:59:59", "2024-11-03 02:00:00", "2024-07-01 12:00",
		"@1710050400", "@1710054000", "@1710068400", "@1730599200", "@1730613600", "@1730620000",
	} {
		checkDate(t, h, date, local)
	}
}

// checkDate compares our reading of a date with git's.
func checkDate(t *testing.T, h host, date string, local *time.Location) {
	t.Helper()
	out, gitErr := h.with("GIT_AUTHOR_DATE="+date).git("var", "GIT_AUTHOR_IDENT")
	when, err := parseDate(date, local)
	if err != nil || gitErr != nil {
		t.Errorf("%q: we say %v, git says %v", date, err, gitErr)
		return
	}
	if got, want := (Ident{"U", "u@x", when}).inGitsForm(), strings.TrimSpace(string(out)); got != want {
		t.Errorf("%q: got %s, git says %s", date, got, want)
	}
}

func TestParseDateRefusesGuesses(t *testing.T) {
	t.Parallel()
	for _, date := range []string{
		"", " ", "now", "yesterday", "2005-04-07", "22:13:13", "1234", "@1234", "99999999 +0000", "4102444800 +0000", "1700000000 +01", "1700000000 +2400",
		"@1700000000 +0060", "99999999999999999999 +0000", "-1 +0000", "2005-13-07T22:13:13", "2005-02-30 00:00:00", "2005-04-07T25:00:00", "2005-04-07T22:13:13,5",
		"1969-12-31T23:59:59Z", "1970-01-01 00:00:00 +0100", "2100-01-01T00:00:00Z", "7 Foo 2005 22:13:13 +0200", "Xyz, 7 Apr 2005 22:13:13 +0200", "7 Apr 05 22:13:13 +0200",
		"2005-04-07T22:13:13 EST", "04/07/2005 22:13:13", "2005-04-07T22:13:13+02:00:00", "2005-04-07T22", "2005-04-07T22:13:13:14", "1700000000 +0100\n",
	} {
		if at, err := parseDate(date, time.UTC); err == nil {
			t.Errorf("%q: got %v, want an error", date, at)
		}
	}
}
