package config

import (
	"strconv"
	"strings"
	"testing"
)

// gitValue gives what git makes of a value as a type, and whether it accepts
// it. The value is given by -c, a form that git splits at the first "=".
func gitValue(h host, kind, value string) (string, bool) {
	out, err := h.git("-c", "a.k="+value, "config", "--type="+kind, "--get", "a.k")
	return strings.TrimSuffix(string(out), "\n"), err == nil
}

func TestBoolAndIntAreGits(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	values := []string{
		"", "true", "TRUE", "yes", "On", "false", "No", "oFF", "t", "y", "0", "1", "-1", "2", "+5", " 7", "7 ", "1k", "1K", "3m", "2g", "1G", "1kb", "1t",
		"0x10", "0X1f", "0x", "010", "08", "0b1", "0o7", "1_000", "--1", "+-1", "1.0", "1e3", "2147483647", "2147483648", "-2147483648",
		"9223372036854775807", "9223372036854775808", "9007199254740992k", "9007199254740991k", "-9007199254740991k", "null", "tru",
	}
	for _, value := range values {
		c := Config{entries: []entry{{key: "a.k", value: value}}}
		want, ok := gitValue(h, "bool", value)
		if got, err := c.Bool("a.k", false); (err == nil) != ok || ok && strconv.FormatBool(got) != want {
			t.Errorf("bool %q: got %v, %v, git says %q, %v", value, got, err, want, ok)
		}
		want, ok = gitValue(h, "int", value)
		if got, err := c.Int("a.k", 0); (err == nil) != ok || ok && strconv.FormatInt(got, 10) != want {
			t.Errorf("int %q: got %v, %v, git says %q, %v", value, got, err, want, ok)
		}
	}
}

func TestPathIsGits(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, value := range []string{"", "x", "/x/../y", "~", "~/x", "~root", "~root/x/", "~no-such-user", "a~/b", "./~"} {
		c := Config{entries: []entry{{key: "a.k", value: value}}, env: h.env}
		want, ok := gitValue(h, "path", value)
		if got, err := c.Path("a.k"); (err == nil) != ok || ok && got != want {
			t.Errorf("%q: got %q, %v, git says %q, %v", value, got, err, want, ok)
		}
	}
}

func TestPathNeedsHome(t *testing.T) {
	t.Parallel()
	c := Config{entries: []entry{{key: "a.home", value: "~/x"}, {key: "a.prefix", value: "%(prefix)/x"}, {key: "a.bare", bare: true}}}
	for _, key := range []string{"a.home", "a.prefix", "a.bare"} {
		if got, err := c.Path(key); err == nil {
			t.Errorf("%s: got %q, want an error", key, got)
		}
	}
	if got, err := c.Path("a.none"); got != "" || err != nil {
		t.Errorf("got %q, %v for a path that isn't set", got, err)
	}
}

func TestBareNames(t *testing.T) {
	t.Parallel()
	c := Config{entries: []entry{{key: "a.k", value: "no"}, {key: "a.k", bare: true}}}
	if b, err := c.Bool("a.k", false); !b || err != nil {
		t.Errorf("got %v, %v, want true", b, err)
	}
	if n, err := c.Int("a.k", 5); err == nil {
		t.Errorf("got the number %d, want an error", n)
	}
	if v, ok := c.Get("a.k"); v != "" || !ok {
		t.Errorf("got %q, %v", v, ok)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	var c Config
	if b, err := c.Bool("a.k", true); !b || err != nil {
		t.Errorf("got %v, %v", b, err)
	}
	if n, err := c.Int("a.k", 5); n != 5 || err != nil {
		t.Errorf("got %v, %v", n, err)
	}
	if v, ok := c.Get("a.k"); v != "" || ok {
		t.Errorf("got %q, %v", v, ok)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	c := Config{entries: []entry{
		{key: "a.k", value: "1"}, {key: "a.Sub.k", value: "2"}, {key: "a.x.Y.k", value: "3"}, {key: "k", value: "4"}, {key: "a.sub.k", value: "5"},
	}}
	for key, want := range map[string]string{"A.K": "1", "a.Sub.K": "2", "A.sub.k": "5", "A.x.Y.K": "3", "a.x.y.k": "", "K": "4", "a.SUB.k": "", "": ""} {
		if got, ok := c.Get(key); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", key, got, ok, want)
		}
	}
}
