package layout

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSizes: no file has more than 400 lines, and none but a test has a line of more than
// 140 bytes.
func TestSizes(t *testing.T) {
	t.Parallel()
	seen := 0
	err := filepath.WalkDir("../..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2 {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		seen++
		n := 0
		for line := range strings.Lines(string(text)) {
			if n++; len(line) > 141 && !strings.HasSuffix(name, "_test.go") {
				t.Errorf("%s:%d has %d bytes", name, n, len(line)-1)
			}
		}
		if n > 400 {
			t.Errorf("%s has %d lines", name, n)
		}
		return nil
	})
	if err != nil || seen < 300 {
		t.Errorf("%d files, %v", seen, err)
	}
}
