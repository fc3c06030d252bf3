package spec

import (
	"cmp"
	"strings"
)

// compareIDs compares ids in natural order: runs of digits, of any length, by
// value and everything else byte by byte. It is a total order: ids that differ
// only in leading zeros are compared as strings.
func compareIDs(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		n, m := digits(x), digits(y)
		if n == 0 || m == 0 {
			if c := cmp.Compare(x[0], y[0]); c != 0 {
				return c
			}
			x, y = x[1:], y[1:]
			continue
		}
		if c := compareNumbers(x[:n], y[:m]); c != 0 {
			return c
		}
		x, y = x[n:], y[m:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// compareNumbers compares runs of digits by value.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// digits counts the leading decimal digits of s.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// parentID returns the ID part of an id of the form ID.N, or "" for any other
// id.
func parentID(id string) string {
	dot := strings.LastIndexByte(id, '.')
	if dot < 0 || dot+1 == len(id) || digits(id[dot+1:]) != len(id)-dot-1 {
		return ""
	}
	return id[:dot]
}
