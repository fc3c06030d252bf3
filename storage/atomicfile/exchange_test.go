package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// verifyExchange is called directly, because the saves that it handles happen within the
// microseconds after an exchange.
func TestVerifyExchange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before string // the content of the target at the exchange
		after  func(t *testing.T, temp, target string)
		done   bool
		target string
	}{
		{name: "as it was read", before: "old", done: true, target: "mine"},
		{name: "saved before the exchange", before: "saved", target: "saved"},
		{
			name: "saved in place after it", before: "saved", target: "saved later",
			after: func(t *testing.T, _, target string) { t.Helper(); put(t, target, "saved later") },
		},
		{
			name: "saved by rename after it", before: "saved", target: "saved later",
			after: func(t *testing.T, temp, target string) {
				t.Helper()
				put(t, temp+"~", "saved later")
				if err := os.Rename(temp+"~", target); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			name: "the same text saved by rename after it", before: "saved", target: "mine",
			after: func(t *testing.T, temp, target string) {
				t.Helper()
				put(t, temp+"~", "mine")
				if err := os.Rename(temp+"~", target); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, target, mine, seen := exchanged(t, "old", test.before)
			if test.after != nil {
				test.after(t, s.temp, target)
			}
			done, err := s.verifyExchange(target, mine, seen)
			if done != test.done || err != nil {
				t.Errorf("verifyExchange: %t, %v, want %t", done, err, test.done)
			}
			if got := get(t, target); got != test.target {
				t.Errorf("target holds %q, want %q", got, test.target)
			}
		})
	}
}

func TestVerifyExchangePutsBackWhatIsBeingWritten(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells who writes to a file")
	}
	s, target, mine, seen := exchanged(t, "old", "old")
	editor, err := os.OpenFile(s.temp, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.verifyExchange(target, mine, seen)
	if done || err != nil {
		t.Errorf("verifyExchange: %t, %v, want false", done, err)
	}
	_, err = editor.WriteString("saved")
	if err := errors.Join(err, editor.Close()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, target); got != "saved" {
		t.Errorf("target holds %q, want what the editor wrote", got)
	}
}

// exchanged returns the state right after an exchange: mine is at target, and the file
// that was there has the staged file's name. It was saved after it was read as seen.
func exchanged(t *testing.T, before, saved string) (s *staged, target string, mine, seen fileState) {
	t.Helper()
	dir := t.TempDir()
	folder, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := folder.Close(); err != nil {
			t.Error(err)
		}
	})
	s, target = &staged{temp: filepath.Join(dir, "temp"), folder: folder}, filepath.Join(dir, "target")
	put(t, s.temp, "mine")
	put(t, target, before)
	mine, err = readState(s.temp)
	if err != nil {
		t.Fatal(err)
	}
	seen, err = readState(target)
	if err != nil {
		t.Fatal(err)
	}
	if saved != before {
		put(t, target, saved)
	}
	err = exchange(s.temp, target)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this file system exchanges no files")
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, target, mine, seen
}

func put(t *testing.T, path, text string) {
	t.Helper()
	// A process that another test starts meanwhile would have a copy of the descriptor
	// for a moment, and would count as a writer.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
