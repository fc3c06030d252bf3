package storage

import "testing"

// A panic in the caller's function leaves no file open and no lock held.
func TestPanicLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	s := openHooked(t, t.TempDir(), unhooked)
	mustPut(t, s, "key", "value")
	for what, call := range map[string]func(){
		"Update": func() {
			_ = s.Update(t.Context(), "key", func([]byte) ([]byte, error) { panic("of the caller") })
		},
		"Scan": func() {
			for range s.Scan("") {
				panic("of the caller")
			}
		},
	} {
		func() {
			defer func() { _ = recover() }()
			call()
			t.Errorf("%s: no panic", what)
		}()
		if refs := s.gen.refs.Load(); refs != 1 {
			t.Errorf("%s: the log is held %d times", what, refs)
			s.gen.refs.Store(1)
		}
		mustPut(t, s, "key", "new")
	}
}
