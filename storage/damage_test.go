package storage

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallDisk returns a disk with a small store on it. Everything is synced. The log was
// rewritten once, and has overwritten, deleted and batched keys.
func smallDisk(t *testing.T) (d *disk, want map[string]string) {
	t.Helper()
	d = newDisk(t)
	s, err := d.store(Options{})
	if err != nil {
		t.Fatal(err)
	}
	set := func(key, value string) error { return s.Put(key, []byte(value)) }
	err = errors.Join(set("a", "old a"), set("b", "old b"), set("c", "value of c"), s.compactNow(t.Context()),
		set("a", "new a"), set("gone", "x"), s.Delete("gone"), set("empty", ""),
		s.Batch(t.Context(), func(tx *Tx) error {
			return errors.Join(tx.Put("b", []byte("new b")), tx.Put("d", []byte("value of d")))
		}), set("last", "value of the last"), s.Close())
	if err != nil {
		t.Fatal(err)
	}
	return d, map[string]string{"a": "new a", "b": "new b", "c": "value of c", "empty": "", "d": "value of d", "last": "value of the last"}
}

const smallLog = "store.2.log"

// with returns the disk with other bytes in the log.
func (d *disk) with(data []byte) *disk {
	other := d.loss(func() bool { return true })
	other.names[smallLog].data = data
	other.names[smallLog].kept = bytes.Clone(data)
	return other
}

// refused opens the store and returns the keys that it refuses. Every key must have the
// right value or ErrCorrupt.
func refused(t *testing.T, s *Store, want map[string]string, what string) (keys []string) {
	t.Helper()
	for _, key := range []string{"a", "b", "c", "d", "empty", "gone", "last", "never"} {
		value, err := s.Get(key)
		right, has := want[key]
		switch {
		case errors.Is(err, ErrCorrupt):
			keys = append(keys, key)
		case errors.Is(err, ErrNotFound) && !has:
		case err != nil || !has || string(value) != right:
			t.Fatalf("%s: %q is %q, %v, want %q", what, key, value, err, right)
		}
	}
	return keys
}

// One damaged byte affects at most one key. It is reported, and repaired.
func TestEveryByteFlipped(t *testing.T) {
	t.Parallel()
	d, want := smallDisk(t)
	data := d.names[smallLog].data
	costly := 0
	for at := range data {
		for _, mask := range []byte{0x01, 0x80, 0xff, data[at]} { // the last one sets it to zero
			if mask == 0 {
				continue
			}
			what := fmt.Sprintf("byte %d of %d, mask %x", at, len(data), mask)
			flipped := bytes.Clone(data)
			flipped[at] ^= mask
			damaged := d.with(flipped)
			s, err := damaged.store(Options{})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			keys := refused(t, s, want, what)
			if at < logStart && len(keys) > 0 || len(keys) > 1 {
				t.Fatalf("%s: %q are refused", what, keys)
			}
			report, err := s.Check()
			if err != nil || at >= logStart && report.OK() {
				t.Fatalf("%s: Check finds %+v, %v", what, report, err)
			}
			costly += len(keys)
			goesOn(t, s, want, keys, what)
		}
	}
	if costly < 3*len(want)*headSize {
		t.Errorf("only %d flips cost a key", costly)
	}
}

// goesOn writes to the damaged store, repairs it, and checks that all other keys are
// there.
func goesOn(t *testing.T, s *Store, want map[string]string, lost []string, what string) {
	t.Helper()
	want = maps.Clone(want)
	if err := s.Put("more", []byte("1")); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	before, err := s.Entry("more")
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if _, err := s.Repair(t.Context()); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	want["more"] = "1"
	for _, key := range lost {
		delete(want, key)
	}
	got := map[string]string{}
	for e, err := range s.Scan("") {
		if err != nil {
			t.Fatalf("%s: after Repair: %v", what, err)
		}
		got[e.Key] = string(e.Value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: after Repair (-want +got):\n%s", what, diff)
	}
	after, err := s.PutIf("more", []byte("2"), before.Version)
	if err != nil || after <= before.Version {
		t.Fatalf("%s: version %d after %d, %v", what, after, before.Version, err)
	}
	report, err := s.Check()
	if err := errors.Join(err, s.Close()); err != nil || !report.OK() {
		t.Fatalf("%s: after Repair: %+v, %v", what, report, err)
	}
}

func TestEveryTruncation(t *testing.T) {
	t.Parallel()
	d, want := smallDisk(t)
	data := d.names[smallLog].data
	for size := range data {
		what := fmt.Sprintf("%d of %d bytes", size, len(data))
		s, err := d.with(bytes.Clone(data[:size])).store(Options{})
		if err != nil {
			if size < headerCopy && errors.Is(err, ErrCorrupt) {
				continue
			}
			t.Fatalf("%s: %v", what, err)
		}
		refused(t, s, want, what)
		if err := s.Put("more", nil); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%s: Put: %v, want %v", what, err, ErrCorrupt)
		}
		report, err := s.Repair(t.Context())
		if err != nil || report.OK() {
			t.Fatalf("%s: Repair: %+v, %v", what, report, err)
		}
		if err := s.Put("more", nil); err != nil {
			t.Fatalf("%s: after Repair: %v", what, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Long damaged stretches, of zeros or of something else, give no wrong answers.
func TestStretches(t *testing.T) {
	t.Parallel()
	d, want := smallDisk(t)
	data := d.names[smallLog].data
	for _, size := range []int{16, 100, sector} {
		for at := logStart; at < len(data); at += 3 {
			what := fmt.Sprintf("%d bytes at %d of %d", size, at, len(data))
			for _, fill := range []func(b []byte){
				func(b []byte) { clear(b) },
				func(b []byte) { copy(b, bytes.Repeat([]byte("foreign"), 100)) },
				func(b []byte) { copy(b, data) },
			} {
				other := bytes.Clone(data)
				fill(other[at:min(at+size, len(other))])
				s, err := d.with(other).store(Options{ReadOnly: true})
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				refused(t, s, want, what)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// The sync mark can be lost or damaged: it is only a lower bound.
func TestMarkIsOnlyABound(t *testing.T) {
	t.Parallel()
	d, want := smallDisk(t)
	mark := d.names["store.2.mark"].data
	for at := range mark {
		for bit := range 8 {
			other := d.with(d.names[smallLog].data)
			other.names["store.2.mark"].data[at] ^= 1 << bit
			s, err := other.store(Options{})
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("bit %d of byte %d", bit, at)
			if keys := refused(t, s, want, what); len(keys) > 0 {
				t.Errorf("%s: %q are refused", what, keys)
			}
			if err := errors.Join(s.Put("more", nil), s.Close()); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		cut := d.with(d.names[smallLog].data)
		cut.names["store.2.mark"].data = mark[:at:at]
		s, err := cut.store(Options{})
		if err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprintf("%d bytes", at)
		if keys := refused(t, s, want, what); len(keys) > 0 {
			t.Errorf("%s: %q are refused", what, keys)
		}
		if err := errors.Join(s.Put("more", nil), s.Close()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// For a writer that catches up, damage below the sync mark is damage. It is not an
// unfinished end that may be overwritten.
func TestWriterOverDamage(t *testing.T) {
	t.Parallel()
	for _, opts := range []Options{{}, {NoSync: true}} {
		d := newDisk(t)
		behind, err := d.store(opts)
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, behind, "first", "1")
		other := mustOpen(t, d)
		mustPut(t, other, "durable", "value")
		log := d.names["store.1.log"].data
		log[bytes.LastIndex(log, []byte("value"))] ^= 1
		mustPut(t, behind, "after", "2")
		for _, s := range []*Store{behind, mustOpen(t, d)} {
			if value, err := s.Get("durable"); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%+v: %q, %v, want it to be damaged", opts, value, err)
			}
			if value, err := s.Get("after"); string(value) != "2" || err != nil {
				t.Errorf("%+v: %q, %v", opts, value, err)
			}
		}
	}
}

// A damaged record above the sync mark was never acknowledged, and is overwritten. A
// whole record after it is not valid any more.
func TestLostRecordIsNotRevived(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s, err := d.store(Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Put("a", []byte("1")), s.Put("b", []byte("stale")), s.Put("c", []byte("stale")), s.Close()); err != nil {
		t.Fatal(err)
	}
	log := d.names["store.1.log"]
	g, err := openGeneration(diskView{d}, 1, true, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := g.log.entries["b"]
	clear(log.data[b.at : b.at+10]) // b never reached the disk, c did
	stale := bytes.Clone(log.data)
	if s, err = d.store(Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put("d", []byte("fresh")); err != nil { // as long as b
		t.Fatal(err)
	}
	// The power loss loses the truncation, and not the write after it.
	log.data = append(log.data, stale[len(log.data):]...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = d.store(Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	got, err := s.List("")
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "d"}, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}
