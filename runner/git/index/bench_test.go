package index_test

import (
	"fmt"
	"testing"
	"time"

	"chant/runner/git/index"
)

// large makes an index of 100,000 files in 1,000 folders, with its trees.
func large(b *testing.B, version int) []byte {
	b.Helper()
	r := newRepo(b, fmt.Sprintf("index.version=%d", version))
	var changes []index.Change
	for i := range 100_000 {
		changes = append(changes, index.Change{
			Path: fmt.Sprintf("src/package%03d/sub/some_longer_name_%06d.go", i/100, i), Mode: 0o100644, OID: [20]byte{1},
		})
	}
	r.apply(changes)
	r.git("write-tree", "--missing-ok")
	return r.index()
}

func BenchmarkParseAndEdit(b *testing.B) {
	for _, version := range []int{2, 4} {
		b.Run(fmt.Sprintf("version %d", version), func(b *testing.B) {
			data := large(b, version)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				f, err := index.Parse(data)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Edit([]index.Change{
					{Path: "src/package500/sub/new.go", Mode: 0o100644, OID: [20]byte{2}},
				}, index.EditOptions{Written: time.Unix(1<<31, 0)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
