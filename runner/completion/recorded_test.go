package completion

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
	"chant/spec"
)

func parse(name, text string) *spec.Spec {
	s, _ := spec.Parse(name, []byte(text))
	return s
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	open, done := withStatus("pending")+criteria, withStatus("completed")+criteria
	for _, tt := range []struct {
		name string
		head map[string]string
		is   *spec.Spec
		want bool
	}{
		{"as it is", at(one, done), parse(one, done), true},
		{"edited, but not what is checked", at(one, done), parse(one, done+"\nMore text.\n"), true},
		{"other criteria", at(one, done), parse(one, done+"- [x] More\n"), false},
		{"not committed", at(one, open), parse(one, done), false},
		{"a new file", at(two, done), parse(one, done), false},
		{"reopened", at(one, done), parse(one, open), false},
		{"archived since", at(one, done), parse(old, done), true},
		{"archived before", at(old, done), parse(old, done), true},
		{"a live spec wins over its archived namesake", at(one, open, old, done), parse(old, done), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			repo := newTestRepo(t)
			head := repo.add(t, line(tt.head))[0]
			got, err := Recorded(t.Context(), repo, head, []*spec.Spec{tt.is}, "")
			if err != nil || got["001"] != tt.want {
				t.Errorf("got %v, error %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestRecordedReadsOnlyWhatSaysCompleted(t *testing.T) {
	t.Parallel()
	repo := newTestRepo(t)
	done := withStatus("completed")
	head := repo.add(t, line(at("p/"+one, done, "p/"+two, done+"two")))[0]
	specs := []*spec.Spec{parse(one, done), parse(two, withStatus("pending"))}
	got, err := Recorded(t.Context(), repo, head, specs, "p")
	if diff := cmp.Diff(map[string]bool{"001": true}, got); diff != "" || err != nil {
		t.Errorf("error %v, recorded (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]git.Hash{repo.blob(done)}, repo.read); diff != "" {
		t.Errorf("blobs read (-want +got):\n%s", diff)
	}
	if got, err = Recorded(t.Context(), repo, "", specs, "p"); err != nil || len(got) != 0 {
		t.Errorf("without a commit: got %v, error %v", got, err)
	}
	if _, err = Recorded(t.Context(), repo, git.Hash(strings.Repeat("1", 40)), specs, "p"); err == nil {
		t.Error("got no error for a commit that does not exist")
	}
}
