package cmd

import (
	"errors"
	"strings"
	"testing"

	"chant/storage"
)

// A failed sync is damage too, with a position but without a key.
func TestShowReport(t *testing.T) {
	t.Parallel()
	report := storage.Report{
		Stats: storage.Stats{File: "store.3.log", OnDisk: 700, SyncFailed: true},
		Problems: []storage.Problem{
			{Offset: 128, Key: "a\x1b", What: "a record that fails its checksum"},
			{Offset: 300, What: "bytes that are not a record"},
		},
	}
	for repaired, last := range map[bool]string{
		false: "chant store check --repair removes what is damaged and keeps the rest\n",
		true:  "repaired: removed what was damaged; the damaged log is saved next to the new one as *.damaged\n",
	} {
		want := "damaged: store.3.log at byte 128: key \"a\\x1b\": a record that fails its checksum\n" +
			"damaged: store.3.log at byte 300: bytes that are not a record\n" +
			"damaged: store.3.log from byte 700 on: not written to disk, because a sync failed\n" + last
		var b strings.Builder
		newStoreReport(report, repaired).show(newScreen(&b, nil))
		if b.String() != want {
			t.Errorf("got\n%s\nwant\n%s", b.String(), want)
		}
	}
}

func TestStoreErrors(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		storage.ErrLocked: ExitNotYet, storage.ErrCorrupt: ExitEnvironment, storage.ErrNewerFormat: ExitEnvironment,
		storage.ErrSync: ExitEnvironment,
	} {
		if got := exitCode(errors.Join(err)); got != want {
			t.Errorf("%v: exit %d, want %d", err, got, want)
		}
	}
}
