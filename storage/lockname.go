package storage

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

const (
	lockSuffix = ".lock"

	maxEncoded = 255 - len(lockSuffix) // a file name has at most 255 bytes
)

// encodeLockName gives the file name, without its suffix, that stands for key. All
// but a-z, 0-9, "-", "_" and a dot inside is escaped as %xx, so that no two
// keys share a file where case or Unicode forms do not count, none leaves the
// folder, and none is hidden.
func encodeLockName(key string) (string, error) {
	if key == "" {
		return "", fmt.Errorf("%w: empty", ErrInvalidKey)
	}
	if !utf8.ValidString(key) {
		return "", fmt.Errorf("%w: not UTF-8", ErrInvalidKey)
	}
	var b strings.Builder
	for i := range len(key) {
		if c := key[i]; plain(c) || c == '.' && i > 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	if b.Len() > maxEncoded {
		return "", fmt.Errorf("%w: %d bytes as a file name, more than %d", ErrInvalidKey, b.Len(), maxEncoded)
	}
	return b.String(), nil
}

// decodeLockName is the inverse of encodeLockName. A name that encodeLockName does not make
// is nobody's key.
func decodeLockName(name string) (key string, ok bool) {
	key, err := url.PathUnescape(name)
	if err != nil {
		return "", false
	}
	again, err := encodeLockName(key)
	return key, err == nil && again == name
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
