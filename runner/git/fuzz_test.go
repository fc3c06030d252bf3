package git

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// FuzzTree writes what was read of a tree, and wants the same bytes again
// wherever the modes are as git writes them today.
func FuzzTree(f *testing.F) {
	id := strings.Repeat("\x01", 20)
	f.Add([]byte("100644 a\x00" + id + "40000 dir\x00" + id + "160000 m\x00" + id))
	f.Add([]byte("100664 old\x00" + id))
	f.Add([]byte("0 \x00" + id[:19]))
	f.Fuzz(func(t *testing.T, data []byte) {
		for len(data) > 0 {
			e, rest, err := cutEntry(data, 20)
			if err != nil {
				return
			}
			raw, err := hex.DecodeString(string(e.Hash))
			must(t, err)
			read := string(data[:len(data)-len(rest)])
			want := fmt.Sprintf("%s %s\x00%s", e.Mode, e.Path, raw)
			mode, _, _ := strings.Cut(read, " ")
			if strings.TrimPrefix(read, mode) != strings.TrimPrefix(want, e.Mode) {
				t.Fatalf("%q was read as %q", read, want)
			}
			switch mode {
			case "100644", "100755", "120000", "40000", "160000":
				if read != want {
					t.Fatalf("%q was read as %q", read, want)
				}
			}
			data = rest
		}
	})
}

// FuzzStatus wants every record that is read to name a path out of the text.
func FuzzStatus(f *testing.F) {
	f.Add("1 .M N... 100644 100644 100644 1111 2222 a b\x00? new\x00")
	f.Add("u UU N... 100644 100644 100644 100644 1 2 3 a\nb\x00? dir/\x00")
	f.Fuzz(func(t *testing.T, out string) {
		changes, err := parseStatus(out)
		if err == nil && len(changes) != strings.Count(out, "\x00") {
			t.Fatalf("%d changes of %d records", len(changes), strings.Count(out, "\x00"))
		}
		for _, c := range changes {
			if c.Path == "" || !strings.Contains(out, " "+c.Path) || c.Unmerged && c.Untracked {
				t.Fatalf("%q was read as %+v", out, c)
			}
		}
	})
}
