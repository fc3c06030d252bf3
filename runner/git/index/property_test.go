package index_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chant/runner/git/index"
)

// paths are few and close to each other, so that files, folders and the order
// of ".", "/" and "0" meet often.
func paths() *rapid.Generator[string] {
	part := rapid.SampledFrom([]string{"a", "b", "a.", "a0", "ab", "é", "aaaaaaaaaaaaaaaaaaaaa"})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "parts"), "/")
	})
}

func setChanges(t *rapid.T, label string, atMost int) []index.Change {
	var changes []index.Change
	for _, p := range rapid.SliceOfNDistinct(paths(), 0, atMost, rapid.ID).Draw(t, label) {
		if slices.ContainsFunc(changes, func(c index.Change) bool { return within(p, c.Path) || within(c.Path, p) }) {
			continue
		}
		c := index.Change{
			Path: p,
			Mode: rapid.SampledFrom([]uint32{0o100644, 0o100755, 0o120000, 0o160000}).Draw(t, "mode"),
			OID:  [20]byte{rapid.Byte().Draw(t, "id"), 1},
		}
		changes = append(changes, c)
	}
	return changes
}

// within tells whether a path is below another.
func within(p, dir string) bool { return strings.HasPrefix(p, dir+"/") }

// model does what Edit does, the simple way.
func model(entries map[string]index.Change, changes []index.Change) {
	for _, c := range changes {
		delete(entries, c.Path)
	}
	for _, c := range changes {
		if c.Remove {
			continue
		}
		maps.DeleteFunc(entries, func(p string, _ index.Change) bool { return within(p, c.Path) || within(c.Path, p) })
		entries[c.Path] = c
	}
}

// TestEditProperty edits random indexes, and has the model and git do the
// same. Our bytes must be git's, to the last one.
func TestEditProperty(t *testing.T) {
	t.Parallel()
	repos := map[string]*repo{"2": newRepo(t), "4": newRepo(t, "index.version=4")}
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.SampledFrom([]string{"2", "4"}).Draw(t, "version")
		r := repos[version]
		before := append(setChanges(t, "before", 20), index.Change{Path: "z", Mode: 0o100644, OID: [20]byte{1}})
		r.removeIndex()
		r.apply(before)
		if rapid.Bool().Draw(t, "tree") {
			r.git("write-tree", "--missing-ok")
		}
		entries := make(map[string]index.Change)
		model(entries, before)

		changes := setChanges(t, "changes", 6)
		for _, p := range rapid.SliceOfNDistinct(paths(), 0, 6, rapid.ID).Draw(t, "removals") {
			if !slices.ContainsFunc(changes, func(c index.Change) bool { return c.Path == p }) {
				changes = append(changes, index.Change{Path: p, Remove: true})
			}
		}
		// Git forgets the tree of a folder even if a change changes nothing.
		changes = slices.DeleteFunc(changes, func(c index.Change) bool {
			old, there := entries[c.Path]
			return c.Remove && !there || old == c
		})
		model(entries, changes)

		ours, err := r.parse().Edit(changes, index.EditOptions{Written: time.Unix(1<<31, 0)})
		if err != nil {
			t.Fatal(err)
		}
		checkModel(t, ours, entries)
		r.apply(changes)
		if theirs := r.index(); !bytes.Equal(ours, theirs) {
			t.Errorf("ours and git's differ:\n%s", gocmp.Diff(theirs, ours))
		}
	})
}

func checkModel(t *rapid.T, data []byte, entries map[string]index.Change) {
	f, err := index.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var got []index.Change
	for e := range f.All() {
		got = append(got, index.Change{Path: e.Path, Mode: e.Mode, OID: e.OID, Stat: e.Stat})
	}
	want := slices.SortedFunc(maps.Values(entries), func(a, b index.Change) int { return cmp.Compare(a.Path, b.Path) })
	if diff := gocmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" {
		t.Errorf("entries (-model +we):\n%s", diff)
	}
}
