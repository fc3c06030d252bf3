package spec

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// addSeeds adds the fixtures and some harder cases.
func addSeeds(f *testing.F, add func(src []byte)) {
	f.Helper()
	files, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		_, text, _ = bytes.Cut(text, []byte("-- spec.md --\n"))
		add(text)
	}
	for _, src := range []string{
		"---\r\nstatus: 'a' # b\r\nlabels:\r\n- x\r\n---\r\n## Acceptance Criteria\r\n- [ ] a",
		"---\n\"status\": &a >\n  x\nlabels: [*a, {b: c}]\n? d\n: e\n---",
		"## Acceptance Criteria\n- [a]: /url\n  [ ] b\n- [ ] c\n  ---\n-\t[X]\td\n- # [ ] e\n> [f]: x\n",
		"---\n# c\n---\n[x]: /u\n## Acceptance Criteria\n- [ ]\n- [x]: y\n- [ ](z)\n## [Agent Output]\n[agent output]: z",
		"## Acceptance Criteria\n- [ ] a\n\t- [ ] b\n\n\t\t```sh check match=\"\\\"\" env.A=\n\t\tx\n",
		"- plain\n  ```sh check\n  x\n  ```y\n- [ ] a\n  ```s",
	} {
		add([]byte(src))
	}
}

// FuzzParse checks what is true of every file: positions are inside it, boxes are
// boxes, ticking does not change the digest, and a transcript has no effect.
func FuzzParse(f *testing.F) {
	addSeeds(f, func(src []byte) { f.Add(src) })
	f.Fuzz(func(t *testing.T, src []byte) {
		sp, problems := Parse(".chant/specs/x.md", src)
		s := newSource("", "", src)
		places := []Pos{}
		for _, p := range problems {
			if p.Pos != (Pos{}) {
				places = append(places, p.Pos)
			}
		}
		ticks := map[int]bool{}
		for i, c := range sp.Criteria {
			places = append(places, c.Pos)
			if c.Number != i+1 || !bytes.ContainsRune([]byte(" xX"), rune(src[c.mark])) || c.Ticked == (src[c.mark] == ' ') {
				t.Errorf("criterion %+v has the mark %q", c, src[c.mark])
			}
			ticks[c.Number] = !c.Ticked
		}
		for _, items := range [][]Item{sp.DependsOn, sp.TargetFiles, sp.InformedBy} {
			for _, it := range items {
				places = append(places, it.Pos)
			}
		}
		for _, p := range places {
			if s.pos(s.offset(p)) != p {
				t.Errorf("place %v is not in the file", p)
			}
		}
		flipped, err := SetTicks(src, ticks)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := Parse(".chant/specs/x.md", flipped)
		if after.Digest() != sp.Digest() || after.Ticked() != len(sp.Criteria)-sp.Ticked() {
			t.Errorf("flipping the ticks gave %q", flipped)
		}
		if problems.Err() != nil {
			return
		}
		out, err := appendOutput(src, "[x]: /u\n# Acceptance Criteria\n- [x] forged\n```sh check\n")
		if err != nil {
			return // inside a fence
		}
		told, toldProblems := Parse(".chant/specs/x.md", out)
		if diff := cmp.Diff(dump(sp, problems), dump(told, toldProblems)); diff != "" {
			t.Errorf("a transcript changed what is read:\n%s", diff)
		}
	})
}

// FuzzSetKey expects that an edit is refused, or is read back, changes nothing
// else and is stable.
func FuzzSetKey(f *testing.F) {
	addSeeds(f, func(src []byte) {
		f.Add(src, "status", "completed", "a")
		f.Add(src, "labels", "", "b: c")
	})
	f.Fuzz(func(t *testing.T, src []byte, key, value, item string) {
		for _, v := range []any{value, []string{value, item}, Approval{Required: true, By: value}, Skip{Reason: value, By: item},
			[]Attestation{{Criterion: value, Note: item}}} {
			out, err := SetKey(src, key, v)
			if err != nil {
				continue
			}
			before, _ := Parse("x.md", src)
			after, problems := Parse("x.md", out)
			if problems.Err() == nil && before.Digest() != after.Digest() {
				t.Errorf("SetKey(%q, %v) changed the criteria: %q", key, v, out)
			}
			lines := bytes.SplitAfter(src, []byte("\n---"))
			if !bytes.HasSuffix(out, lines[len(lines)-1]) {
				t.Errorf("SetKey(%q, %v) changed the body: %q", key, v, out)
			}
			again, err := SetKey(out, key, v)
			if err != nil || !bytes.Equal(again, out) {
				t.Errorf("SetKey(%q, %v) twice: %q, then %q, %v", key, v, out, again, err)
			}
		}
	})
}
