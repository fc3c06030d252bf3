package config

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
)

// File reads one configuration file by itself: includes are not followed, as
// git doesn't either where it decides on a repository's format. A file that is
// not there is empty.
func File(name string) (Config, error) {
	src, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return Parse(name, src)
}

// Parse reads what File reads from a file of this name.
func Parse(name string, src []byte) (Config, error) {
	entries, err := parse(name, src)
	return Config{entries: entries}, err
}

// Without gives c without the settings whose keys match.
func (c Config) Without(match func(key string) bool) Config {
	return Config{
		entries: slices.DeleteFunc(slices.Clone(c.entries), func(e entry) bool { return match(e.key) }),
		env:     c.env,
	}
}

// Equal tells whether two configurations have the same settings in the same order.
func (c Config) Equal(other Config) bool { return slices.Equal(c.entries, other.entries) }

// With gives c with the settings of more behind its own, so that they count
// where both have one.
func (c Config) With(more Config) Config {
	return Config{entries: slices.Concat(c.entries, more.entries)}
}

// Keys yields the key of every setting, in order; one that is set several times
// comes several times.
func (c Config) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range c.entries {
			if !yield(e.key) {
				return
			}
		}
	}
}
