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

// encodeLockName returns the name of a lock's file, without its suffix. All bytes but
// a-z, 0-9, "-", "_" and dots after the first byte are escaped as %xx. So no two locks
// share a file on file systems that ignore case or Unicode forms, no file is hidden,
// and none is outside the folder.
func encodeLockName(name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("%w: empty", ErrInvalidKey)
	}
	if !utf8.ValidString(name) {
		return "", fmt.Errorf("%w: not UTF-8", ErrInvalidKey)
	}
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(c) || c == '.' && i > 0 {
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

// decodeLockName is the inverse of encodeLockName. It is not ok if encodeLockName does
// not return encoded for any name.
func decodeLockName(encoded string) (name string, ok bool) {
	name, err := url.PathUnescape(encoded)
	if err != nil {
		return "", false
	}
	again, err := encodeLockName(name)
	return name, err == nil && again == encoded
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
