package storage_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chant/storage"
)

// Two stores on one folder behave like one map, also across compactions.
func TestStoreIsAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "storage") //nolint:usetesting // one folder a case, and rapid's T gives none
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		stores := make([]*storage.Store, 2)
		for i := range stores {
			if stores[i], err = storage.Open(dir, storage.Options{NoSync: true}); err != nil {
				t.Fatal(err)
			}
			defer stores[i].Close()
		}
		model := map[string]string{}
		var last storage.Version
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			s := stores[rapid.IntRange(0, 1).Draw(t, "store")]
			key := rapid.SampledFrom([]string{"a", "A", "b", "b/c", "é"}).Draw(t, "key")
			value := rapid.StringN(0, 20, -1).Draw(t, "value")
			switch rapid.SampledFrom([]string{"put", "update", "delete", "batch", "compact"}).Draw(t, "call") {
			case "put":
				put(t, s, key, value)
				model[key] = value
				e, err := s.Entry(key)
				if err != nil || e.Version <= last {
					t.Fatalf("version %d after %d, %v", e.Version, last, err)
				}
				last = e.Version
			case "update":
				if err := s.Update(context.Background(), key, func(old []byte) ([]byte, error) {
					if want, had := model[key]; had != (old != nil) || want != string(old) {
						t.Fatalf("%q was %q, want %q", key, old, want)
					}
					return []byte(value), nil
				}); err != nil {
					t.Fatal(err)
				}
				model[key] = value
			case "delete":
				if err := s.Delete(key); err != nil {
					t.Fatal(err)
				}
				delete(model, key)
			case "batch":
				if err := s.Batch(context.Background(), func(tx *storage.Tx) error {
					return errors.Join(tx.Put(key, []byte(value)), tx.Delete("b"), tx.Put("c", []byte(value)))
				}); err != nil {
					t.Fatal(err)
				}
				model[key] = value
				delete(model, "b")
				model["c"] = value
			case "compact":
				if err := storage.Compact(s); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range stores {
				if diff := cmp.Diff(model, contents(t, s)); diff != "" {
					t.Fatalf("contents (-want +got):\n%s", diff)
				}
			}
		}
		report, err := stores[0].Check()
		if err != nil || !report.OK() || report.Keys != len(model) {
			t.Fatalf("Check: %+v, %v", report, err)
		}
	})
}
