package atomicfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"

	"chant/storage/atomicfile"
)

func TestTransform(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, path := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	write(t, target, []byte("old"))
	link(t, "file", path)
	err := atomicfile.Transform(path, func(old []byte) ([]byte, error) {
		old[0] = 'O' // f may change its argument
		return append(old, "er"...), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"file": "-: Older", "link": "L: file"}
	if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
}

func TestTransformToTheSameWritesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, []byte("same"))
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Transform(path, func([]byte) ([]byte, error) { return []byte("same"), nil }); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("the file was replaced")
	}
}

func TestTransformErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	write(t, path, []byte("old"))
	never := func([]byte) ([]byte, error) {
		t.Error("f was called")
		return nil, nil
	}
	mine := errors.New("mine")
	tests := []struct {
		name string
		path string
		f    func([]byte) ([]byte, error)
		want error
	}{
		{"f's own", path, func([]byte) ([]byte, error) { return []byte("new"), mine }, mine},
		{"absent", path + "2", never, fs.ErrNotExist},
		{"folder", dir, never, atomicfile.ErrNotRegular},
	}
	for _, test := range tests {
		if err := atomicfile.Transform(test.path, test.f); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	if diff := cmp.Diff(map[string]string{"file": "-: old"}, contents(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
}

// f runs between the read and the write, so it can act as another program.
func TestTransformSeesWhatOthersDo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(path string) error
		err  error
		want map[string]string
	}{
		{
			name: "saved in place",
			do:   func(path string) error { return os.WriteFile(path, []byte("saved"), 0o600) },
			want: map[string]string{"file": "-: saved+"},
		},
		{
			name: "saved by rename",
			do:   saveByRename("saved"),
			want: map[string]string{"file": "-: saved+"},
		},
		{
			name: "removed",
			do:   os.Remove,
			err:  fs.ErrNotExist,
			want: map[string]string{},
		},
		{
			name: "made a folder",
			do:   func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
			err:  atomicfile.ErrNotRegular,
			want: map[string]string{"file": "d: "},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			write(t, path, []byte("old"))
			calls := 0
			err := atomicfile.Transform(path, func(old []byte) ([]byte, error) {
				if calls++; calls == 1 {
					if err := test.do(path); err != nil {
						return nil, err
					}
				}
				return append(old, '+'), nil
			})
			if !errors.Is(err, test.err) {
				t.Errorf("Transform: %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, contents(t, dir)); diff != "" {
				t.Errorf("folder (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTransformGivesUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, []byte("0"))
	saves := 0
	err := atomicfile.Transform(path, func([]byte) ([]byte, error) {
		saves++
		return []byte("mine"), os.WriteFile(path, fmt.Append(nil, saves), 0o600)
	})
	if !errors.Is(err, atomicfile.ErrChanged) {
		t.Errorf("Transform: %v, want %v", err, atomicfile.ErrChanged)
	}
	if got, want := read(t, path), fmt.Sprint(saves); got != want {
		t.Errorf("the file holds %q, want the last save %q", got, want)
	}
	if left := leftovers(t, path); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
}

// Between compare and swap, the folder's lock excludes other Transforms.
func TestTransformsTakeTurns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, []byte("old"))
	other := flock.New(filepath.Dir(path), flock.SetFlag(os.O_RDONLY))
	if err := other.Lock(); err != nil {
		t.Skipf("this file system locks no folder: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		done <- atomicfile.Transform(path, func([]byte) ([]byte, error) { return []byte("new"), nil })
	}()
	select {
	case err := <-done:
		t.Fatalf("Transform did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if got := read(t, path); got != "old" {
		t.Errorf("the file holds %q before its turn", got)
	}
	if err := other.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("the file holds %q", got)
	}
}

// An editor saves at a random moment of a Transform, many times. Each time the file must
// end with the editor's text, with or without the Transform's change.
func TestTransformLosesNoSave(t *testing.T) {
	t.Parallel()
	editors := map[string]func(text string) func(path string) error{"by rename": saveByRename}
	if runtime.GOOS == "linux" {
		editors["in place"] = saveInPlace
	}
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	for name, save := range editors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "file")
			write(t, path, []byte("round 0"))
			for round := range rounds {
				failed := make(chan error, 1)
				go func() {
					failed <- atomicfile.Transform(path, func(old []byte) ([]byte, error) { return append(old, '+'), nil })
				}()
				<-time.NewTimer(time.Duration(round%40) * 50 * time.Microsecond).C // at different moments
				text := fmt.Sprintf("round %d", round)
				if err := save(text)(path); err != nil {
					t.Fatal(err)
				}
				if err := <-failed; err != nil && !errors.Is(err, atomicfile.ErrChanged) {
					t.Fatal(err)
				}
				if got := strings.TrimRight(read(t, path), "+"); got != text {
					t.Fatalf("the file holds %q after %q was saved", got, text)
				}
			}
		})
	}
}

func saveByRename(text string) func(path string) error {
	return func(path string) error {
		if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
			return err
		}
		return os.Rename(path+"~", path)
	}
}

func saveInPlace(text string) func(path string) error {
	return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
}
