package spec

import "testing"

func BenchmarkParse(b *testing.B) {
	src := []byte("---\nstatus: pending\ndepends_on: [\"001\"]\n---\n# Title\n\nText.\n\n## Acceptance Criteria\n\n" +
		"- [ ] It fails\n  ```sh check expect=fail match=\"lost\"\n  go test ./...\n  ```\n- [ ] It *works*\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := Parse(".chant/specs/002.md", src); problems != nil {
			b.Fatal(problems)
		}
	}
}
