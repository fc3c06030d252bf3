package spec

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// document is a generated spec file, with the frontmatter entry by entry.
type document struct {
	keys    []string
	entries []string
	body    string
	ending  string
}

// source puts the file together, with one entry left to the caller.
func (d document) around(i int) (before, after string) {
	before = "---\n" + strings.Join(d.entries[:i], "")
	after = strings.Join(d.entries[min(i+1, len(d.entries)):], "") + "---\n" + d.body
	return withEnding(before, d.ending), withEnding(after, d.ending)
}

func (d document) source() []byte {
	before, after := d.around(len(d.entries))
	return []byte(before + after)
}

func drawDocument(t *rapid.T) document {
	d := document{ending: rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "ending")}
	keys := rapid.Permutation([]string{"status", "model", "labels", "commits", "custom", "other"}).Draw(t, "keys")
	d.keys = keys[:rapid.IntRange(0, len(keys)).Draw(t, "n")]
	for _, key := range d.keys {
		d.entries = append(d.entries, drawEntry(t, key))
	}
	d.body = "# T\n\n## Acceptance Criteria\n\n"
	for range rapid.IntRange(0, 4).Draw(t, "criteria") {
		d.body += rapid.SampledFrom([]string{
			"- [ ] a\n", "- [x] b *c*\n", "  - [X] nested\n", "- plain\n", "1. [ ] one\n", "prose\n\n",
			"- [ ] d\n  ```sh check\n  run\n  ```\n", "```\n- [ ] no\n```\n", "> - [ ] quoted\n\n",
		}).Draw(t, "item")
	}
	d.body += rapid.SampledFrom([]string{"", "last", "## Agent Output\n- [ ] x\n"}).Draw(t, "end")
	return d
}

func drawEntry(t *rapid.T, key string) string {
	comment := rapid.SampledFrom([]string{"", " # why", "   # \"'"}).Draw(t, "comment")
	word := rapid.SampledFrom([]string{"a", `"b \" c"`, "'it''s'", "002", "d e", "\"\""}).Draw(t, "word")
	list := key == "labels" || key == "commits"
	switch {
	case list && rapid.Bool().Draw(t, "block"):
		indent := rapid.SampledFrom([]string{"", "  ", "    "}).Draw(t, "indent")
		entry := key + ":" + comment + "\n"
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			entry += indent + "-  " + rapid.SampledFrom([]string{"x", `"y"`, "'z'", "123"}).Draw(t, "text") + comment + "\n"
		}
		return entry
	case list:
		return key + ": [x, 'y']" + comment + "\n"
	case rapid.Bool().Draw(t, "folded"):
		return key + ": >-\n   folded # text\n\n   more\n"
	}
	return key + ":  " + word + comment + "\n"
}

// TestSetKeyProperty sets a random value and expects it to be read back, with
// every byte outside of its entry unchanged.
func TestSetKeyProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		key := rapid.SampledFrom([]string{"status", "model", "labels", "commits", "custom", "fresh"}).Draw(t, "key")
		var value any = rapid.String().Draw(t, "value")
		if key == "labels" || key == "commits" {
			value = rapid.SliceOf(rapid.SampledFrom([]string{"x", "y", "z", "123", "1e5", "é: ü", "a\nb"})).Draw(t, "list")
		}
		src := d.source()
		out, err := SetKey(src, key, value)
		if err != nil {
			t.Fatalf("SetKey(%q, %q, %q): %v", src, key, value, err)
		}
		i := slices.Index(d.keys, key)
		if i < 0 {
			i = len(d.keys)
		}
		before, after := d.around(i)
		if !strings.HasPrefix(string(out), before) || !strings.HasSuffix(string(out), after) {
			t.Fatalf("SetKey(%q, %q, %q) changed more than its entry: %q", src, key, value, out)
		}
		root := readBack(t, out)
		if diff := cmp.Diff(value, root[key]); diff != "" && len(root[key].([]string)) > 0 {
			t.Fatalf("%q reads as (-want +got):\n%s", out, diff)
		}
		again, err := SetKey(out, key, value)
		if err != nil || !bytes.Equal(out, again) {
			t.Fatalf("setting it twice: %q, %v", again, err)
		}
	})
}

// readBack reads the frontmatter with the YAML library only.
func readBack(t *rapid.T, src []byte) map[string]any {
	text, _, ok := bytes.Cut(bytes.ReplaceAll(src[3:], []byte("\r\n"), []byte("\n")), []byte("\n---\n"))
	if !ok {
		t.Fatalf("no frontmatter in %q", src)
	}
	root, err := decodeYAML(append(text, '\n'))
	if err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	values := map[string]any{}
	for i := 0; root != nil && i < len(root.Content); i += 2 {
		key, node := root.Content[i].Value, root.Content[i+1]
		if key != "labels" && key != "commits" {
			values[key] = node.Value
			continue
		}
		list := []string{}
		for _, n := range node.Content {
			list = append(list, n.Value)
		}
		values[key] = list
	}
	return values
}

// TestSetTicksProperty expects that exactly the requested boxes change.
func TestSetTicksProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		src := drawDocument(t).source()
		before, _ := Parse("x.md", src)
		want := make([]bool, len(before.Criteria))
		ticks := map[int]bool{}
		for i, c := range before.Criteria {
			want[i] = c.Ticked
			if rapid.Bool().Draw(t, "touch") {
				want[i] = rapid.Bool().Draw(t, "tick")
				ticks[c.Number] = want[i]
			}
		}
		out, err := SetTicks(src, ticks)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := Parse("x.md", out)
		for i, c := range after.Criteria {
			if c.Ticked != want[i] {
				t.Fatalf("criterion %d of %q: ticked %v, want %v", c.Number, out, c.Ticked, want[i])
			}
			out[c.mark] = src[c.mark]
		}
		if !bytes.Equal(src, out) || before.Digest() != after.Digest() {
			t.Fatalf("more than marks changed: %q, was %q", out, src)
		}
	})
}
