package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoIdentity is returned by Identity where nobody has told git who the
// user is.
var ErrNoIdentity = errors.New("git doesn't know who you are (run git config user.name NAME and git config user.email MAIL)")

// Ident is who made a commit, and when.
type Ident struct {
	Name, Email string    // without what git strips; Email may be empty
	When        time.Time // whole seconds, in the zone that is recorded
}

// Identity gives who a commit would be by, as `git var` does: the variables
// GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL and GIT_AUTHOR_DATE of env, the settings
// author.* and user.*, the variable EMAIL; for the committer alike. Without a
// date it is now. now's zone is also that of dates that have none.
//
// Where git would guess, from the user's account or the host's name, the
// error is ErrNoIdentity, also where git would accept its guess.
func Identity(c Config, env []string, now time.Time) (author, committer Ident, err error) {
	if err := c.checkIdentValues(); err != nil {
		return Ident{}, Ident{}, err
	}
	if author, err = c.ident("author", env, now); err != nil {
		return Ident{}, Ident{}, fmt.Errorf("finding the author: %w", err)
	}
	if committer, err = c.ident("committer", env, now); err != nil {
		return Ident{}, Ident{}, fmt.Errorf("finding the committer: %w", err)
	}
	return author, committer, nil
}

// identSections are where names and mails stand. One of them that is set
// keeps git from guessing that of the others.
func identSections() []string { return []string{"user", "author", "committer"} }

// checkIdentValues finds settings without "=", even where a later one would
// hide them, as git does.
func (c Config) checkIdentValues() error {
	for _, section := range identSections() {
		for _, e := range c.entries {
			if e.bare && (e.key == section+".name" || e.key == section+".email") {
				return fmt.Errorf("reading %s: it has no value", e.key)
			}
		}
	}
	return nil
}

// ident gives the identity of a role, "author" or "committer".
func (c Config) ident(role string, env environ, now time.Time) (Ident, error) {
	mail, err := c.identEmail(role, env)
	if err != nil {
		return Ident{}, err
	}
	name, ok := c.identField(role, "name", env)
	if name = withoutCrud(name); !ok || name == "" {
		return Ident{}, ErrNoIdentity
	}
	when := now.Truncate(time.Second)
	if date, _ := env.lookup(identVariable(role, "date")); date != "" {
		if when, err = parseDate(date, now.Location()); err != nil {
			return Ident{}, fmt.Errorf("reading %s: %w", identVariable(role, "date"), err)
		}
	}
	return Ident{Name: name, Email: withoutCrud(mail), When: when}, nil
}

// identVariable is such as GIT_AUTHOR_NAME.
func identVariable(role, field string) string { return strings.ToUpper("git_" + role + "_" + field) }

// identField gives a name or a mail, and whether it was given anywhere. An
// empty variable counts, as does an empty user.*; an empty author.* doesn't.
func (c Config) identField(role, field string, env environ) (string, bool) {
	if v, ok := env.lookup(identVariable(role, field)); ok {
		return v, true
	}
	if v, _ := c.Get(role + "." + field); v != "" {
		return v, true
	}
	given := false
	for _, section := range identSections() {
		_, ok := c.Get(section + "." + field)
		given = given || ok
	}
	v, _ := c.Get("user." + field)
	return v, given
}

// identEmail is identField for the mail, which may come from EMAIL too.
func (c Config) identEmail(role string, env environ) (string, error) {
	configOnly, err := c.Bool("user.useConfigOnly", false)
	if err != nil {
		return "", err
	}
	mail, ok := c.identField(role, "email", env)
	if ok {
		return mail, nil
	}
	if mail, _ = env.lookup("EMAIL"); mail == "" || configOnly {
		return "", ErrNoIdentity
	}
	return mail, nil
}

// withoutCrud strips a name or mail of what git strips: blanks, control
// characters and punctuation around it, angle brackets and newlines within.
// Since version 2.42 git keeps dots.
func withoutCrud(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`,:;<>"\'`, r) })
	return strings.NewReplacer("<", "", ">", "", "\n", "").Replace(s)
}
