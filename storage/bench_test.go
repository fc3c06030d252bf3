package storage_test

import (
	"bytes"
	"fmt"
	"testing"

	"chant/storage"
)

func BenchmarkUpdate(b *testing.B) {
	for name, opts := range map[string]storage.Options{"Sync": {}, "NoSync": {NoSync: true}} {
		b.Run(name, func(b *testing.B) {
			s := benchStore(b, opts, 1)
			for b.Loop() {
				if err := s.Update(b.Context(), "0", func(old []byte) ([]byte, error) { return old, nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	s := benchStore(b, storage.Options{}, 1000)
	for b.Loop() {
		if _, err := s.Get("500"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	s := benchStore(b, storage.Options{}, 100_000)
	for b.Loop() {
		again, err := storage.Open(s.Dir(), storage.Options{ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		if err := again.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// benchStore has keys with values of 256 bytes.
func benchStore(b *testing.B, opts storage.Options, keys int) *storage.Store {
	b.Helper()
	s, err := storage.Open(b.TempDir(), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	for from := 0; from < keys; from += 1000 {
		if err := s.Batch(b.Context(), func(tx *storage.Tx) error {
			for i := from; i < min(from+1000, keys); i++ {
				if err := tx.Put(fmt.Sprint(i), bytes.Repeat([]byte("v"), 256)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}
