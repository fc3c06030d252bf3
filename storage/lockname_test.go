package storage

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEncodeLockName(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"002-repro_1.2": "002-repro_1.2",
		"run/002":       "run%2f002",
		"Run":           "%52un",
		"..":            "%2e.",
		"100%":          "100%25",
		"ä b":           "%c3%a4%20b",
		"a\x00\n":       "a%00%0a",
	} {
		if got, err := encodeLockName(key); got != want || err != nil {
			t.Errorf("encodeLockName(%q): %q, %v, want %q", key, got, err, want)
		}
	}
}

// A valid name has one encoding, which is a valid file name on every system.
func FuzzEncodeLockName(f *testing.F) {
	for _, key := range []string{"a", "A/ä", ".", "%2f", "\xff", strings.Repeat("Z", 80)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		name, err := encodeLockName(key)
		if err != nil {
			if key != "" && utf8.ValidString(key) && 3*len(key) <= maxEncoded {
				t.Fatalf("a good key is refused: %v", err)
			}
			return
		}
		if again, ok := decodeLockName(name); again != key || !ok {
			t.Errorf("%q comes back from %q as %q, %t", key, name, again, ok)
		}
		if strings.ToLower(name) != name || filepath.Base(name) != name || name[0] == '.' || len(name) > maxEncoded {
			t.Errorf("%q is encoded as %q", key, name)
		}
	})
}

// decodeLockName accepts only results of encodeLockName.
func FuzzDecodeLockName(f *testing.F) {
	for _, name := range []string{"a", "%61", "%2F", "%2f", "%", "A", "+", ".a", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key, ok := decodeLockName(name)
		if !ok {
			return
		}
		if again, err := encodeLockName(key); again != name || err != nil {
			t.Errorf("%q is decoded as %q, whose name is %q, %v", name, key, again, err)
		}
	})
}
