package process

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		stat string
		want proc
		ok   bool
	}{
		{"12 (sh) S 3 4 5 0 -1 4194560", proc{12, 3, 4, 5, "S"}, true},
		{"12 (a b) R 9 9 9) Z 3 4 5 0", proc{12, 3, 4, 5, "Z"}, true},
		{"12 (new\nline)\n) S 3 4 5\n", proc{12, 3, 4, 5, "S"}, true},
		{"12 (sh) S 3 4", proc{}, false},
		{"12 (sh) S x 4 5", proc{}, false},
		{"", proc{}, false},
	}
	for _, tt := range tests {
		got, ok := parseStat(12, tt.stat)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(proc{})); ok != tt.ok || diff != "" {
			t.Errorf("%q: ok %v, want %v (-want +got):\n%s", tt.stat, ok, tt.ok, diff)
		}
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	table := []proc{
		{pid: 40, parent: 30, group: 40, session: 40}, // below the stray, before it in the table
		{pid: 41, parent: 1, group: 41, session: 40},  // shares its session
		{pid: 10, parent: 2, group: 10, session: 10, state: zombie},
		{pid: 11, parent: 10, group: 10, session: 10},
		{pid: 12, parent: 10, group: 10, session: 10, state: zombie},
		{pid: 30, parent: 2, group: 30, session: 30}, // a stray, known by its marker
		{pid: 20, parent: 2, group: 20, session: 20}, // another command
		{pid: 21, parent: 20, group: 20, session: 20},
	}
	var got []int
	for _, p := range family(table, 10, map[int]bool{30: true}) {
		got = append(got, p.pid)
	}
	if diff := cmp.Diff([]int{40, 41, 11, 30}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOrphanWithoutList: where the kernel keeps no list of children, a command
// in flight is no orphan.
func TestOrphanWithoutList(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	s.live[&tree{pid: 10}] = true
	ended := &tree{pid: 9}
	orphan, err := s.orphan(ended, nil, fs.ErrNotExist)
	if err != nil {
		t.Fatal(err)
	}
	self := os.Getpid()
	tests := []struct {
		p    proc
		want bool
	}{
		{proc{pid: 9, parent: self}, false},
		{proc{pid: 10, parent: self}, false},
		{proc{pid: 11, parent: self}, true},
		{proc{pid: 12, parent: 11}, false},
	}
	for _, tt := range tests {
		if got := orphan(tt.p); got != tt.want {
			t.Errorf("process %d: orphan %v, want %v", tt.p.pid, got, tt.want)
		}
	}
	if _, err := s.orphan(ended, nil, fs.ErrPermission); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v", err)
	}
}
