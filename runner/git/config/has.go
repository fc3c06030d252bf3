package config

import "strings"

// Has tells whether any setting's key begins with prefix, such as "hook.".
// The prefix is in lower case.
func (c Config) Has(prefix string) bool {
	for _, e := range c.entries {
		if strings.HasPrefix(e.key, prefix) {
			return true
		}
	}
	return false
}
