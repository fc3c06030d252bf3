package storage

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files of a store of format 1. If a test finds other bytes, the format has
// changed: after the first release it then needs another number.
const (
	goldenLog = `
	4348414e544c4f4701000000000000000100000000000000efcdab8967452301
	0700000000000000800000000000000000000000000000000000000094867a76
	4348414e544c4f4701000000000000000100000000000000efcdab8967452301
	0700000000000000800000000000000000000000000000000000000094867a76
	099b7ca6000000006303e0e10800000000000000800000000000000005000000
	030001006b657976616c7565eae74d85099b7ca6be6eff2312bdb07a40000000
	9746c93d099b7ca6e399f5900900000000000000000000000000000001000000
	010001016131cdbd003d9746c93d052b652e778402333a000000ff8d3cfa9746
	c93d000000000a00000000000000000000000000000000000000030002006b65
	797c2e5790ff8d3cfabe6eff2312bdb07a3b000000d4bdf2ccff8d3cfa000000
	000b0000000000000000000000000000000000000000000300ac6f27e9d4bdf2
	cc000000000000000038000000`
	goldenMark = `
	6d01000000000000c8ad4fea00000000efcdab89674523010000000000000000
	0000000000000000000000000000000000000000000000000000000000000000
	efcdab8967452301`
)

func golden(t *testing.T, text string) string {
	t.Helper()
	data, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// differs fails the test if data is not the golden text, and prints the new text.
func differs(t *testing.T, what string, data []byte, text string) {
	t.Helper()
	if string(data) != golden(t, text) {
		lines := strings.Builder{}
		for part := range slices.Chunk(data, 32) {
			lines.WriteString(hex.EncodeToString(part) + "\n")
		}
		t.Errorf("the format of %s has changed:\n%s", what, lines.String())
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	h := header{generation: 1, salt: 0x0123456789abcdef, base: 7, initial: logStart}
	log, prev := h.encode(), uint32(0)
	for _, r := range []record{
		{kind: put, version: 8, synced: logStart, key: "key", value: []byte("value")},
		{kind: put, version: 9, more: true, key: "a", value: []byte("1")},
		{kind: del, version: 10, key: "key"},
		{kind: seal, version: 11},
	} {
		log, prev = appendRecord(log, r, h.salt, int64(len(log)), prev)
	}
	differs(t, "logs", log, goldenLog)

	d := newDisk(t)
	m, err := openSyncMark(diskView{d}, h, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.allocate(), m.write(int64(len(log))), m.setNameDurable(), m.poison(), m.close()); err != nil {
		t.Fatal(err)
	}
	differs(t, "mark files", d.names[markName(1)].data, goldenMark)
}

// A store with these bytes can be read and written.
func TestGoldenStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, mark := golden(t, goldenLog), golden(t, goldenMark)
	mark = mark[:poisonedAt] + strings.Repeat("\x00", markSize-poisonedAt)
	for name, data := range map[string]string{logName(1): log, markName(1): mark} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := openHooked(t, dir, unhooked)
	stats, err := s.Stats()
	size := int64(len(log))
	want := Stats{Format: 1, File: logName(1), Generation: 1, Keys: 1, Bytes: size, Current: 58, OnDisk: size, Version: 11}
	if stats != want || err != nil {
		t.Errorf("%+v, %v, want %+v", stats, err, want)
	}
	mustPut(t, s, "b", "2")
	for e, err := range s.Scan("") {
		if want := map[string]string{"a": "1", "b": "2"}; string(e.Value) != want[e.Key] || err != nil {
			t.Errorf("%q is %q, %v", e.Key, e.Value, err)
		}
	}
}
