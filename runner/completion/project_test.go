package completion

import (
	"testing"

	"chant/spec"
)

// The status of a file is what parsing all of it would say.
func FuzzStatusOf(f *testing.F) {
	for _, text := range []string{
		completedAt(1), withStatus("pending"), withStatus(`"\x63ompleted"`), withStatus("[completed]"), "# completed\n",
		"---\r\nstatus: completed\r\n---\r\n# T\r\n", "---\nstatus: completed\n--- \n---\n", "---\n---\nstatus: completed\n---\n",
		"---\nstatus: completed\n---", "---\nstatus: completed\n---\n\x00", "---\nstatus: completed\n---\n\xff", "\xef\xbb\xbf" + completedAt(1),
		"---\nx: &s completed\nstatus: *s\n---\n", "---\nstatus: completed\nstatus: pending\n---\n", "---\nstatus: >-\n  completed\n---\n---\n",
		"---\nstatus: \"comp\\\n  leted\"\ncompleted_at: 2026-01-01T00:00:00.5+01:00\n---\n", "---\r\n---\nstatus: completed\n---\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s, _ := spec.Parse("x.md", src)
		var want status
		if s.Status == spec.StatusCompleted {
			want = status{true, s.CompletedAt}
		}
		if got := statusOf(src); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
