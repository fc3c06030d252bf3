package index_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"chant/runner/git/index"
)

// FuzzEdit gets indexes without their checksum, which no mutation would keep
// right. What Parse accepts, git reads alike; what Edit makes of it, Parse and
// git read too.
func FuzzEdit(f *testing.F) {
	for _, name := range []string{"tree", "conflict", "version 3 to 4", "untracked", "skip-worktree"} {
		k := kinds()[name]
		r := newRepo(f, k.config...)
		k.make(r)
		data := r.index()
		f.Add(data[:len(data)-20], "a", "a-folder/c/d")
	}
	r := newRepo(f)
	fuzzing := flag.Lookup("test.fuzz").Value.String() != ""
	f.Fuzz(func(t *testing.T, body []byte, add, remove string) {
		data := sign(body)
		file, err := index.Parse(data)
		if err != nil {
			return
		}
		same, err := file.Edit(nil, index.EditOptions{})
		if err != nil || !bytes.Equal(same, data) {
			t.Fatalf("an edit without changes: %v, the same bytes: %v", err, bytes.Equal(same, data))
		}
		// A process for each input would be slow. Which ones git is asked about
		// depends on nothing but the input, so that its coverage does not flicker.
		asked := !fuzzing || data[len(data)-1]%50 == 0
		// Git 2.39 crashes on a damaged untracked cache, which we only pass on.
		asked = asked && (!fuzzing || !bytes.Contains(body, []byte("UNTR")))
		if asked {
			readAlike(t, r, data)
		}
		edited, err := file.Edit([]index.Change{
			{Path: add, Mode: 0o100644, OID: [20]byte{1}}, {Path: remove, Remove: true},
		}, index.EditOptions{Written: time.Unix(1<<31, 0)})
		if err != nil {
			return // not a path
		}
		again, err := index.Parse(edited)
		if err != nil {
			t.Fatalf("the edited index: %v", err)
		}
		if e := again.Lookup(add); len(e) != 1 || e[0].OID != [20]byte{1} {
			t.Errorf("the index holds %v for %q", e, add)
		}
		if e := again.Lookup(remove); len(e) != 0 {
			t.Errorf("the index holds %v for %q", e, remove)
		}
		if asked {
			readAlike(t, r, edited)
		}
	})
}

// readAlike has git read an index.
func readAlike(t *testing.T, r *repo, data []byte) {
	t.Helper()
	f, err := index.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "index")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	mine := *r
	mine.t, mine.env = t, append(slices.Clip(mine.env), "GIT_INDEX_FILE="+name)
	listing := mine.git("ls-files", "-s", "-z")
	var want strings.Builder
	for e := range f.All() {
		fmt.Fprintf(&want, "%06o %x %d\t%s\x00", e.Mode, e.OID, e.Stage, e.Path)
	}
	if want.String() != listing {
		t.Errorf("git reads\n%q\nwe read\n%q", listing, want.String())
	}
}

// TestHostileCounts has sizes and counts that no memory would suffice for.
func TestHostileCounts(t *testing.T) {
	t.Parallel()
	all := "\xff\xff\xff\xff"
	one, err := index.Empty().Edit([]index.Change{{Path: "a", Mode: 0o100644, OID: [20]byte{1}}}, index.EditOptions{})
	if err != nil {
		t.Fatal(err)
	}
	entry := string(one[:len(one)-20])
	monitor := "\x00\x00\x00\x02token\x00\x00\x00\x00\x14%s\x00\x00\x00\x01%s\x00\x00\x00\x00"
	for name, body := range map[string]string{
		"entries":   entry[:8] + all,
		"extension": entry + "XXXX" + all,
		"subtrees":  entry + named("TREE", "\x00-1 999999999\n"),
		"depth":     entry + named("TREE", "\x00-1 1\n"+strings.Repeat("a\x00-1 1\n", 1<<20)),
		"bits":      entry + named("FSMN", fmt.Sprintf(monitor, all, "\x00\x00\x00\x01"+all)),
		"run":       entry + named("FSMN", fmt.Sprintf(monitor, "\x00\x00\x00\x01", "\x00\x00\x00\x01"+all)),
		"literals":  entry + named("FSMN", fmt.Sprintf(monitor, "\x00\x00\x00\x01", all+"\x00\x00\x00\x00")),
	} {
		data := sign([]byte(body))
		before := allocated()
		file, err := index.Parse(data)
		if optional := strings.Contains(body, "FSMN"); (err == nil) != optional {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			edited, err := file.Edit([]index.Change{{Path: "a", Mode: 0o100644, OID: [20]byte{2}}}, index.EditOptions{})
			if err != nil || len(extensions(t, edited)) != 0 {
				t.Errorf("%s: %v, or the extension is kept", name, err)
			}
		}
		if used := allocated() - before; used > 1<<30 {
			t.Errorf("%s: it took %d bytes", name, used)
		}
	}
}

// allocated counts all memory that the process ever asked for.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func named(name, content string) string {
	return name + string(binary.BigEndian.AppendUint32(nil, uint32(len(content)))) + content
}
