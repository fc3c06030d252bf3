package index_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git/index"
)

// kinds are indexes of all sorts, with the extension that each is there for.
func kinds() map[string]struct {
	config    []string
	make      func(r *repo)
	extension string
} {
	type kind = struct {
		config    []string
		make      func(r *repo)
		extension string
	}
	add := func(r *repo) {
		for i := range 30 {
			r.write(fmt.Sprintf("folder%d/sub/file%d", i%3, i), "content")
		}
		r.write("a", "a")
		r.write("a.b", "a.b")
		r.write("a-folder/c", "c")
		r.git("add", ".")
	}
	committed := func(r *repo) {
		add(r)
		r.git("commit", "-q", "-m", "first")
	}
	conflict := func(r *repo) {
		committed(r)
		r.git("checkout", "-q", "-b", "other")
		r.write("a", "theirs")
		r.git("commit", "-q", "-am", "theirs")
		r.git("checkout", "-q", "-")
		r.write("a", "ours")
		r.git("commit", "-q", "-am", "ours")
		if _, _, err := r.try("", "merge", "-q", "other"); err == nil {
			r.t.Fatal("the merge has no conflict")
		}
	}
	return map[string]kind{
		"plain":          {make: add},
		"tree":           {make: committed, extension: "TREE"},
		"nothing":        {make: func(r *repo) { add(r); r.git("rm", "-q", "-r", "--cached", ".") }},
		"conflict":       {make: conflict},
		"resolved":       {make: func(r *repo) { conflict(r); r.git("add", "a") }, extension: "REUC"},
		"intent to add":  {make: func(r *repo) { committed(r); r.write("new", "n"); r.git("add", "-N", "new") }},
		"skip-worktree":  {make: func(r *repo) { add(r); r.git("update-index", "--skip-worktree", "a-folder/c") }},
		"assume valid":   {make: func(r *repo) { add(r); r.git("update-index", "--assume-unchanged", "a-folder/c") }},
		"version 4":      {make: func(r *repo) { committed(r); r.git("update-index", "--index-version", "4") }, extension: "TREE"},
		"threads":        {make: committed, config: []string{"index.threads=4"}, extension: "EOIE"},
		"threads v4":     {make: committed, config: []string{"index.threads=4", "index.version=4"}, extension: "IEOT"},
		"long names":     {make: func(r *repo) { add(r); r.apply(longNames) }},
		"long names v4":  {make: func(r *repo) { add(r); r.apply(longNames) }, config: []string{"index.version=4"}},
		"untracked":      {make: untracked, config: []string{"core.untrackedCache=true"}, extension: "UNTR"},
		"version 3 to 4": {make: func(r *repo) { committed(r); r.git("add", "-N", "."); r.git("update-index", "--index-version", "4") }},
		"submodule":      {make: func(r *repo) { add(r); r.apply([]index.Change{{Path: "module", Mode: 0o160000, OID: [20]byte{1}}}) }},
		"not ascii":      {make: func(r *repo) { r.write("é\n\t\"ü", "x"); r.write("\xff\xfe", "y"); add(r) }},
	}
}

var longNames = []index.Change{
	{Path: "l/" + strings.Repeat("x", 4092), Mode: 0o100644, OID: [20]byte{1}},
	{Path: "l/" + strings.Repeat("y", 4093), Mode: 0o100644, OID: [20]byte{1}},
	{Path: "l/" + strings.Repeat("z", 5000), Mode: 0o100644, OID: [20]byte{1}},
}

func untracked(r *repo) {
	r.write("a", "a")
	r.write("b/c", "c")
	r.git("add", ".")
	r.git("update-index", "--force-untracked-cache")
	r.write("d/e", "e")
	r.env = append(r.env, "GIT_OPTIONAL_LOCKS=1")
	r.git("status")
}

func TestParseAgreesWithGit(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t, k.config...)
			k.make(r)
			if _, ok := extensions(t, r.index())[k.extension]; k.extension != "" && !ok {
				t.Fatalf("git wrote no %s extension", k.extension)
			}
			f := r.parse()
			if diff := cmp.Diff(r.git("ls-files", "-s", "-z", "--debug"), debug(f)); diff != "" {
				t.Errorf("git and we read different entries (-git +we):\n%s", diff)
			}
			if unmerged := fmt.Sprint(f.Unmerged()); unmerged != "[]" && (name != "conflict" || unmerged != "[a]") {
				t.Errorf("%s is unmerged", unmerged)
			}
			checkNothingChanges(t, r.index(), f)
		})
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	kinds()["conflict"].make(r)
	var found []string
	for _, e := range r.parse().Lookup("folder2/sub/file29", "a.b", "no", "a", "a") {
		found = append(found, fmt.Sprintf("%s %d", e.Path, e.Stage))
	}
	if diff := cmp.Diff([]string{"a 1", "a 2", "a 3", "a.b 0", "folder2/sub/file29 0"}, found); diff != "" {
		t.Error(diff)
	}
}

// TestEditAgreesWithGit makes the same edits as git update-index. What git
// then writes for the tree must be the same bytes, too.
func TestEditAgreesWithGit(t *testing.T) {
	t.Parallel()
	file := func(path string, n byte) index.Change {
		return index.Change{Path: path, Mode: 0o100644, OID: [20]byte{n}}
	}
	edits := map[string][]index.Change{
		"patch":           {file("a-folder/c", 9)},
		"mode":            {{Path: "a-folder/c", Mode: 0o100755, OID: [20]byte{9}}},
		"add":             {file("0", 1), file("a/new", 1), file("zz/y/x", 1), file("folder1/new", 1)},
		"remove":          {{Path: "folder1/sub/file1", Remove: true}, {Path: "a", Remove: true}, {Path: "no", Remove: true}},
		"remove a folder": {{Path: "a-folder/c", Remove: true}},
		"file to folder":  {file("a.b/c/d", 1), file("a/b", 2)},
		"folder to file":  {file("folder1", 1), file("a-folder", 2)},
		"explicitly":      {{Path: "a.b", Remove: true}, file("a.b/c", 1), file("a-folder", 3), {Path: "a-folder/c", Remove: true}},
		"all at once":     {file("a", 1), file("a.b/x", 1), file("folder0/sub", 1), {Path: "folder2/sub/file2", Remove: true}},
		"long":            {file("l/"+strings.Repeat("y", 4094), 1), file("l/"+strings.Repeat("z", 5000), 7)},
		"link and module": {{Path: "a-folder/l", Mode: 0o120000, OID: [20]byte{1}}, {Path: "a-folder/m", Mode: 0o160000, OID: [20]byte{1}}},
	}
	for kind, k := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t, k.config...)
			k.make(r)
			before := r.index()
			for name, changes := range edits {
				r.setIndex(before)
				r.edit(changes, index.EditOptions{Written: time.Unix(1<<31, 0)})
				ours := r.index()
				got := r.git("ls-files", "-s", "-z", "--debug")
				r.setIndex(before)
				r.apply(changes)
				if diff := cmp.Diff(withoutStat(debug(r.parse()), changes), withoutStat(got, changes)); diff != "" {
					t.Errorf("%s: entries (-git +we):\n%s", name, diff)
				}
				if diff := cmp.Diff(extensions(t, r.index())["TREE"], extensions(t, ours)["TREE"]); diff != "" {
					t.Errorf("%s: TREE (-git +we):\n%s", name, diff)
				}
				if !strings.HasPrefix(kind, "threads") {
					continue
				}
				theirTree := r.git("write-tree", "--missing-ok")
				r.setIndex(ours)
				r.git("status", "--porcelain")
				if tree := r.git("write-tree", "--missing-ok"); tree != theirTree {
					t.Errorf("%s: the tree is %s, git's is %s", name, tree, theirTree)
				}
			}
		})
	}
}

// withoutStat takes away what git update-index forgets of an entry that it
// replaces, and we keep: its flags. Stat is zero in both.
func withoutStat(listing string, changes []index.Change) string {
	var out strings.Builder
	changed := false
	for line := range strings.SplitAfterSeq(listing, "\n") {
		if meta, _, ok := strings.Cut(line, "\x00"); ok {
			_, path, _ := strings.Cut(meta, "\t")
			changed = slices.ContainsFunc(changes, func(c index.Change) bool { return c.Path == path })
		}
		if cut := strings.Index(line, "\tflags:"); cut >= 0 && changed {
			line = line[:cut] + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

func TestEditKeepsFlags(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	kinds()["intent to add"].make(r)
	r.git("update-index", "--skip-worktree", "a")
	r.git("update-index", "--assume-unchanged", "a.b")
	id := r.blob("new")
	stat := index.Stat{CTimeSec: 1, CTimeNsec: 2, MTimeSec: 3, MTimeNsec: 4, Dev: 5, Ino: 6, UID: 7, GID: 8, Size: 9}
	var changes []index.Change
	for _, p := range []string{"a", "a.b", "new"} {
		changes = append(changes, index.Change{Path: p, Mode: 0o100755, OID: id, Stat: stat})
	}
	r.edit(changes, index.EditOptions{Written: time.Unix(1<<31, 0), Looked: time.Unix(1000, 0)})
	want := []index.Entry{
		{Path: "a", Mode: 0o100755, OID: id, Stat: stat, SkipWorktree: true},
		{Path: "a.b", Mode: 0o100755, OID: id, Stat: stat, AssumeValid: true},
		{Path: "new", Mode: 0o100755, OID: id, Stat: stat},
	}
	if diff := cmp.Diff(want, r.parse().Lookup("a", "a.b", "new")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("100755 "+fmt.Sprintf("%x", id)+" 0\tnew\n", r.git("ls-files", "-s", "new")); diff != "" {
		t.Error(diff)
	}
	r.git("fsck", "--strict")
}

// checkNothingChanges makes changes to what is there already.
func checkNothingChanges(t *testing.T, data []byte, f *index.File) {
	t.Helper()
	var same []index.Change
	for e := range f.All() {
		if e.Stage == 0 && !e.IntentToAdd {
			same = append(same, index.Change{Path: e.Path, Mode: e.Mode, OID: e.OID, Stat: e.Stat})
		}
	}
	same = append(same, index.Change{Path: "not there", Remove: true}, index.Change{Path: "folder1", Remove: true})
	for _, changes := range [][]index.Change{nil, same} {
		out, err := f.Edit(changes, index.EditOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out, data) {
			t.Errorf("%d changes that change nothing give other bytes", len(changes))
		}
	}
}

func TestEditFromNothing(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	out, err := index.Empty().Edit([]index.Change{{Path: "a/b", Mode: 0o100644, OID: r.blob("b")}}, index.EditOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.setIndex(out)
	ours := r.git("write-tree")
	r.write("a/b", "b")
	r.git("add", ".")
	if theirs := r.git("write-tree"); ours != theirs {
		t.Errorf("the tree is %s, git's is %s", ours, theirs)
	}
}

func TestEditExtensions(t *testing.T) {
	t.Parallel()
	patch := index.Change{Path: "a", Mode: 0o100644, OID: [20]byte{1}}
	add := index.Change{Path: "z", Mode: 0o100644, OID: [20]byte{1}}
	for name, c := range map[string]struct {
		kind, extension string
		change          index.Change
		kept            bool
	}{
		"UNTR, patched": {"untracked", "UNTR", patch, true},
		"UNTR, added":   {"untracked", "UNTR", add, false},
		"UNTR, removed": {"untracked", "UNTR", index.Change{Path: "a", Remove: true}, false},
		"REUC, patched": {"resolved", "REUC", patch, true},
		"REUC, added":   {"resolved", "REUC", add, true},
		"EOIE":          {"threads", "EOIE", patch, false},
		"IEOT":          {"threads", "IEOT", patch, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := kinds()[c.kind]
			r := newRepo(t, k.config...)
			k.make(r)
			before := extensions(t, r.index())[c.extension]
			if before == "" {
				t.Fatal("git wrote no such extension")
			}
			r.edit([]index.Change{c.change}, index.EditOptions{})
			after, kept := extensions(t, r.index())[c.extension]
			if kept != c.kept || kept && after != before {
				t.Errorf("kept: %v, with the same content: %v", kept, before == after)
			}
			r.git("status")
		})
	}
}

// TestConflictsOfOtherPathsStay puts a file where there is a folder, and a
// folder where there is a file, both unmerged.
func TestConflictsOfOtherPathsStay(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	id := strings.Repeat("1", 40)
	r.feed("100644 "+id+" 1\td/x\n100644 "+id+" 2\td/x\n100644 "+id+" 0\td/y\n100644 "+id+" 3\tf\n", "update-index", "--index-info")
	before := r.index()
	changes := []index.Change{{Path: "d", Mode: 0o100644, OID: [20]byte{1}}, {Path: "f/x", Mode: 0o100644, OID: [20]byte{1}}}
	r.edit(changes, index.EditOptions{})
	ours := r.git("ls-files", "-s")
	r.setIndex(before)
	r.apply(changes)
	if diff := cmp.Diff(r.git("ls-files", "-s"), ours); diff != "" {
		t.Errorf("entries (-git +we):\n%s", diff)
	}
	if unmerged := fmt.Sprint(r.parse().Unmerged()); unmerged != "[d/x f]" {
		t.Errorf("%s is unmerged", unmerged)
	}
}

func TestUnknownExtensionIsKept(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	kinds()["plain"].make(r)
	data := r.index()
	r.setIndex(sign(append(data[:len(data)-20], "XYZW\x00\x00\x00\x03abc"...)))
	r.edit([]index.Change{{Path: "z", Mode: 0o100644, OID: [20]byte{1}}}, index.EditOptions{})
	if diff := cmp.Diff(map[string]string{"XYZW": "abc"}, extensions(t, r.index())); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(r.git("ls-files"), "z\n") {
		t.Error("git doesn't see the new entry")
	}
}

func TestNoChecksumStaysNone(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	kinds()["plain"].make(r)
	data := r.index()
	r.setIndex(append(data[:len(data)-20], make([]byte, 20)...))
	r.edit([]index.Change{{Path: "z", Mode: 0o100644, OID: [20]byte{1}}}, index.EditOptions{})
	if data := r.index(); !bytes.Equal(data[len(data)-20:], make([]byte, 20)) {
		t.Error("there is a checksum now")
	}
	if !strings.HasSuffix(r.git("ls-files"), "z\n") {
		t.Error("git doesn't see the new entry")
	}
}

// TestFileSystemMonitor has a monitor that never reports a change: git trusts
// it for the entries that it once found clean, and only for those.
func TestFileSystemMonitor(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	hook := filepath.Join(r.dir, ".git", "monitor")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nprintf 'token\\0'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		r.write(fmt.Sprintf("f%03d", i), "one")
	}
	r.git("add", ".")
	r.git("commit", "-q", "-m", "first")
	r.git("config", "core.fsmonitor", hook)
	r.git("update-index", "--fsmonitor")
	r.touch(".git/index", time.Now().Add(time.Minute))
	patch := []index.Change{{Path: "f150", Mode: 0o100644, OID: r.parse().Lookup("f150")[0].OID}}
	// Up to now git is unsure of all entries: the bitmap has a run of ones.
	r.edit(patch, index.EditOptions{Written: time.Unix(1<<31, 0)})
	if listing := r.git("ls-files", "-f"); strings.Count(listing, "H f") != 200 || extensions(t, r.index())["FSMN"] == "" {
		t.Fatalf("git trusts entries that it never saw, or lost the monitor's bits:\n%s", listing)
	}
	r.env = append(r.env, "GIT_OPTIONAL_LOCKS=1")
	r.git("status") // the first answer makes all entries unsure
	r.git("status")
	if trusted := strings.Count(r.git("ls-files", "-f"), "h f"); trusted != 200 {
		t.Fatalf("git trusts %d entries", trusted)
	}
	r.env = append(r.env, "GIT_OPTIONAL_LOCKS=0")
	r.write("f150", "two")
	if out := r.git("status", "--porcelain"); out != "" {
		t.Fatalf("git doesn't believe the monitor: %s", out)
	}
	r.edit(patch, index.EditOptions{Written: time.Unix(1<<31, 0)})
	if trusted := strings.Count(r.git("ls-files", "-f"), "h f"); trusted != 199 {
		t.Errorf("git trusts %d entries, want all but the changed one", trusted)
	}
	if out := r.git("status", "--porcelain"); out != " M f150\n" {
		t.Errorf("git sees %q", out)
	}
	r.edit([]index.Change{{Path: "g", Mode: 0o100644, OID: r.blob("g")}}, index.EditOptions{})
	if _, kept := extensions(t, r.index())["FSMN"]; kept {
		t.Error("the monitor's bits are kept although the entries moved")
	}
	r.git("status")
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	kinds()["tree"].make(r)
	good := r.index()
	body := good[:len(good)-20]
	change := func(at int, b ...byte) []byte {
		data := bytes.Clone(body)
		copy(data[at:], b)
		return sign(data)
	}
	extension := func(text string) []byte { return sign(slices.Concat(body, []byte(text))) }
	const first, second = 12, 76 // the entries a and a-folder/c
	for name, c := range map[string]struct {
		data   []byte
		want   error // nil: a CorruptError
		offset int
	}{
		"empty":              {data: nil},
		"short":              {data: good[:31]},
		"signature":          {data: change(0, 'X')},
		"version 1":          {data: change(4, 0, 0, 0, 1), want: index.ErrVersion},
		"version 5":          {data: change(4, 0, 0, 0, 5), want: index.ErrVersion},
		"checksum":           {data: append(bytes.Clone(body), bytes.Repeat([]byte{7}, 20)...), want: index.ErrChecksum},
		"cut off":            {data: good[:len(good)-1], want: index.ErrChecksum},
		"hostile count":      {data: change(8, 0xff, 0xff, 0xff, 0xff), offset: entriesEnd(body)},
		"extended in v2":     {data: change(second+60, 0x40), offset: second},
		"name too long":      {data: change(second+60, 0x0f, 0xff), offset: second},
		"name too short":     {data: change(second+60, 0, 3), offset: second},
		"zero byte in name":  {data: change(second+62, 'a', 0), offset: second},
		"order":              {data: change(first+62, 'b'), offset: second},
		"mode":               {data: change(second+24, 0, 0, 0, 0), offset: second},
		"sparse":             {data: change(second+24, 0, 0, 0x40, 0), want: index.ErrSparse},
		"extension too long": {data: extension("XXXX\x00\x00\x00\x04abc"), offset: len(body)},
		"half an extension":  {data: extension("XXXX\x00"), offset: len(body)},
		"link":               {data: extension("link\x00\x00\x00\x00"), want: index.ErrSplit},
		"sdir":               {data: extension("sdir\x00\x00\x00\x00"), want: index.ErrSparse},
		"mandatory":          {data: extension("new!\x00\x00\x00\x00"), want: index.ErrExtension},
		"end elsewhere":      {data: extension("EOIE\x00\x00\x00\x04\x00\x00\x00\x0c"), offset: len(body) + 8},
		"tree: empty":        {data: extension("TREE\x00\x00\x00\x00"), offset: len(body) + 8},
		"tree: rest":         {data: extension("TREE\x00\x00\x00\x07\x00-1 0\nx"), offset: len(body) + 8},
		"tree: no root":      {data: extension("TREE\x00\x00\x00\x07x\x00-1 0\n"), offset: len(body) + 8},
		"tree: missing":      {data: extension("TREE\x00\x00\x00\x06\x00-1 1\n"), offset: len(body) + 8},
		"tree: twice":        {data: extension("TREE\x00\x00\x00\x14\x00-1 2\nx\x00-1 0\nx\x00-1 0\n"), offset: len(body) + 8},
		"tree: no id":        {data: extension("TREE\x00\x00\x00\x05\x001 0\n"), offset: len(body) + 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := index.Parse(c.data)
			if c.want != nil {
				if !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				return
			}
			if corrupt, ok := errors.AsType[*index.CorruptError](err); !ok || corrupt.Offset != c.offset {
				t.Errorf("%v, want a CorruptError at byte %d", err, c.offset)
			}
		})
	}
}

// sign adds the checksum to an index.
func sign(body []byte) []byte {
	sum := sha1.Sum(body)
	return append(bytes.Clone(body), sum[:]...)
}

func TestRefusesSplitAndSparse(t *testing.T) {
	t.Parallel()
	split := newRepo(t)
	kinds()["tree"].make(split)
	split.git("update-index", "--split-index")
	if _, err := index.Parse(split.index()); !errors.Is(err, index.ErrSplit) {
		t.Errorf("split: %v", err)
	}
	sparse := newRepo(t)
	kinds()["tree"].make(sparse)
	sparse.git("sparse-checkout", "set", "--cone", "--sparse-index", "folder1")
	if _, err := index.Parse(sparse.index()); !errors.Is(err, index.ErrSparse) {
		t.Errorf("sparse: %v", err)
	}
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	file := func(path string) index.Change { return index.Change{Path: path, Mode: 0o100644, OID: [20]byte{1}} }
	for name, changes := range map[string][]index.Change{
		"twice":           {file("a"), file("a")},
		"both":            {file("a"), {Path: "a", Remove: true}},
		"file and folder": {file("a/b/c"), file("a.b"), file("a")},
		"no path":         {file("")},
		"absolute":        {file("/a")},
		"trailing slash":  {file("a/")},
		"zero byte":       {file("a\x00b")},
		"double slash":    {{Path: "a//b", Remove: true}},
		"no mode":         {{Path: "a", OID: [20]byte{1}}},
		"odd mode":        {{Path: "a", OID: [20]byte{1}, Mode: 0o100600}},
		"no id":           {{Path: "a", Mode: 0o100644}},
	} {
		if _, err := index.Empty().Edit(changes, index.EditOptions{}); !errors.Is(err, index.ErrChange) {
			t.Errorf("%s: %v, want %v", name, err, index.ErrChange)
		}
	}
}
