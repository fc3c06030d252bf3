package storage

import "testing"

// halfListed is a folder whose listings miss all files, as often as passed says.
type halfListed struct {
	folder
	passed *int
}

func (f halfListed) names() ([]string, error) {
	if *f.passed > 0 {
		*f.passed--
		return nil, nil
	}
	return f.folder.names()
}

// A listing of a large folder is not a snapshot: it may miss a log.
func TestLogThatAListingMissed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writer := openHooked(t, dir, unhooked)
	mustPut(t, writer, "key", "value")
	passed := listings - 1
	reader, err := openStore(dir, Options{}, func(dir string) (folder, error) {
		f, err := openDiskFolder(dir)
		return halfListed{f, &passed}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if value, err := reader.Get("key"); string(value) != "value" || err != nil {
			t.Errorf("%q, %v", value, err)
		}
		if err := writer.compactNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		passed = listings - 1
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}
