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
	entries, err := parse(name, src)
	return Config{entries: entries}, err
}

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
