package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := func(name string) string {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		return at
	}
	self := program("self/chant")
	program("other/chant")
	program("empty/sh")
	for _, tt := range []struct{ path, want string }{
		{"empty", "empty:self"},
		{"empty:self", "empty:self"},
		{"self:other", "self:other"},
		{"other:self", "self:other:self"},
		{"other", "self:other"},
		{"", "self"},
	} {
		full := func(list string) string {
			if list == "" {
				return "PATH="
			}
			return "PATH=" + dir + "/" + strings.ReplaceAll(list, ":", ":"+dir+"/")
		}
		env := []string{"PATH=earlier", full(tt.path), "A=b"}
		got := WithProgram(env, self)
		if last := got[len(got)-1]; last != full(tt.want) {
			t.Errorf("%s: got %s, want %s", tt.path, last, full(tt.want))
		}
	}
	if got := WithProgram([]string{"A=b"}, self); len(got) != 2 || got[1] != "PATH="+filepath.Dir(self) {
		t.Errorf("without a PATH: got %q", got)
	}
	if got := WithProgram([]string{"PATH=x"}, ""); got[0] != "PATH=x" {
		t.Errorf("without a program: got %q", got)
	}
}
