// Package config reads git's configuration for one repository as git itself
// reads it, and who a commit would be by.
//
// With a git program the values are what `git config --list` says. Without
// one the package reads the files and variables of git-config(1) by its own
// parser: system, XDG, global, local, work tree and command scope, with
// include and includeIf. It follows current git where versions differ.
package config

import (
	"fmt"
	"slices"
	"strings"
)

// Config is the configuration of one repository. It never changes, and may be
// used from several goroutines. The zero Config is empty.
type Config struct {
	entries []entry // in the order in which git reads them
	env     environ
}

// entry is one setting.
type entry struct {
	key   string // "core.bare", "remote.origin.url"; section and name in lower case
	value string
	bare  bool // the name stands alone, without "=": true as a boolean, nothing else
}

// Places is where the configuration of a repository lies, and what its
// conditions depend on. The folders are absolute.
type Places struct {
	GitDir    string   // HEAD and config.worktree; a linked work tree has its own
	CommonDir string   // the config file; GitDir but in a linked work tree
	WorkTree  string   // top of the work tree
	Branch    string   // short name of the branch that HEAD names, even an unborn one; "" where it names none
	Env       []string // "NAME=value"; the last of a name counts
}

// Runner runs the git program at the top of the work tree and gives its
// stdout. Its environment must be Places.Env, without GIT_CONFIG, which alone
// among git's commands `git config` obeys.
type Runner func(args ...string) ([]byte, error)

// Load reads the configuration, by the git program where git isn't nil. An
// error means that git, too, would refuse to work, or that a value depends on
// how git was built: a path below %(prefix).
//
// What no file tells: without the program the system file is /etc/gitconfig,
// where no GIT_CONFIG_SYSTEM names another.
func Load(p Places, git Runner) (Config, error) {
	c := Config{env: p.Env}
	var err error
	if git == nil {
		c.entries, err = readAll(p)
	} else {
		c.entries, err = ask(git)
	}
	if err != nil {
		return Config{}, fmt.Errorf("reading git's configuration: %w", err)
	}
	return c, nil
}

// ask lets the git program read.
func ask(git Runner) ([]entry, error) {
	out, err := git("config", "--list", "-z")
	if err != nil {
		return nil, err
	}
	return parseList(string(out)), nil
}

// parseList reads what `git config --list -z` writes.
func parseList(out string) []entry {
	var entries []entry
	for item := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		if item == "" {
			continue
		}
		key, value, ok := strings.Cut(item, "\n")
		entries = append(entries, entry{key: key, value: value, bare: !ok})
	}
	return entries
}

// Get gives the value of key, "section.name" or "section.subsection.name",
// and whether it is set at all. The last of several counts. A subsection is
// matched exactly, the rest without regard to case. A name without "=" has
// the value "".
func (c Config) Get(key string) (string, bool) {
	e, ok := c.last(key)
	return e.value, ok
}

// All gives the values of key, in git's order; nil where there are none.
func (c Config) All(key string) []string {
	key = canonical(key)
	var values []string
	for _, e := range c.entries {
		if e.key == key {
			values = append(values, e.value)
		}
	}
	return values
}

// last gives the entry of key that counts.
func (c Config) last(key string) (entry, bool) {
	key = canonical(key)
	for _, e := range slices.Backward(c.entries) {
		if e.key == key {
			return e, true
		}
	}
	return entry{}, false
}

// canonical brings a key into the form in which git keeps it.
func canonical(key string) string {
	section, sub, name := splitKey(key)
	return lower(section) + sub + lower(name)
}

// splitKey cuts a key behind its section and before its name: the middle is
// "." or ".subsection.".
func splitKey(key string) (section, middle, name string) {
	first, last := strings.IndexByte(key, '.'), strings.LastIndexByte(key, '.')
	if first < 0 {
		return "", "", key
	}
	return key[:first], key[first : last+1], key[last+1:]
}

// environ is an environment, of which the last entry of a name counts.
type environ []string

// lookup gives the value of a variable, and whether it is set.
func (env environ) lookup(name string) (string, bool) {
	for _, variable := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(variable, name+"="); ok {
			return v, true
		}
	}
	return "", false
}
