package spec

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const corpus = "../../shared/corpus"

// corpusRows reads the expected figures: one row per file, without the header.
func corpusRows(t *testing.T) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(corpus, "expected.tsv"))
	if os.IsNotExist(err) {
		t.Skip("the corpus of real specs is not part of the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		return rows[1:101]
	}
	return rows[1:]
}

func corpusFile(t *testing.T, id string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(corpus, "specs", id+".md"))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestCorpusFigures(t *testing.T) {
	t.Parallel()
	for _, row := range corpusRows(t) {
		sp, problems := Parse(".chant/specs/"+row[0]+".md", corpusFile(t, row[0]))
		if err := problems.Err(); err != nil {
			t.Error(err)
		}
		got := []string{
			sp.ID, sp.Type, string(sp.Status),
			strconv.Itoa(len(sp.DependsOn)), strconv.Itoa(len(sp.TargetFiles)),
			strconv.Itoa(len(sp.Criteria)), strconv.Itoa(sp.Ticked()),
		}
		if diff := cmp.Diff(row, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row[0], diff)
		}
	}
}

func TestCorpusTicks(t *testing.T) {
	t.Parallel()
	for _, row := range corpusRows(t) {
		src := corpusFile(t, row[0])
		sp, _ := Parse("x.md", src)
		tick, untick := map[int]bool{}, map[int]bool{}
		for _, c := range sp.Criteria {
			if !c.Ticked {
				tick[c.Number], untick[c.Number] = true, false
			}
		}
		ticked, err := SetTicks(src, tick)
		if err != nil {
			t.Fatal(err)
		}
		all, _ := Parse("x.md", ticked)
		if all.Ticked() != len(sp.Criteria) || all.Digest() != sp.Digest() {
			t.Errorf("%s: ticked %d of %d, or the digest changed", row[0], all.Ticked(), len(sp.Criteria))
		}
		back, err := SetTicks(ticked, untick)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back, src) {
			t.Errorf("%s: tick and untick changed the file", row[0])
		}
	}
}

// TestCorpusSetKey expects one changed line for a new status, and one added line
// for a new commit in a block list.
func TestCorpusSetKey(t *testing.T) {
	t.Parallel()
	for _, row := range corpusRows(t) {
		src := corpusFile(t, row[0])
		out, err := SetKey(src, "status", "tested")
		if err != nil {
			t.Fatalf("%s: %v", row[0], err)
		}
		if removed, added := changedLines(src, out); removed != 1 || added != 1 {
			t.Errorf("%s: status changed %d lines into %d", row[0], removed, added)
		}
		sp, _ := Parse("x.md", src)
		if len(sp.Commits) == 0 {
			continue
		}
		out, err = SetKey(src, "commits", append(sp.Commits, "1234567"))
		if err != nil {
			t.Fatalf("%s: %v", row[0], err)
		}
		if removed, added := changedLines(src, out); removed != 0 || added != 1 {
			t.Errorf("%s: a commit changed %d lines into %d", row[0], removed, added)
		}
	}
}

// changedLines counts the lines between the common start and the common end.
func changedLines(before, after []byte) (removed, added int) {
	a, b := bytes.SplitAfter(before, []byte("\n")), bytes.SplitAfter(after, []byte("\n"))
	for len(a) > 0 && len(b) > 0 && bytes.Equal(a[0], b[0]) {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && bytes.Equal(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a), len(b)
}

func TestSeed(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../../shared/seed/002-reproduction.md")
	if os.IsNotExist(err) {
		t.Skip("the seed is not part of the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	sp, problems := Parse(".chant/specs/002-reproduction.md", src)
	if len(problems) > 0 || len(sp.Criteria) != 6 || sp.Ticked() != 6 || sp.Status != StatusCompleted {
		t.Errorf("%v: %d criteria, %d ticked, %s", problems, len(sp.Criteria), sp.Ticked(), sp.Status)
	}
	out, err := SetKey(src, "commits", []string{"247af2d", "12e4567"})
	if err != nil {
		t.Fatal(err)
	}
	if removed, added := changedLines(src, out); removed != 0 || added != 1 {
		t.Errorf("a commit changed %d lines into %d", removed, added)
	}
}
