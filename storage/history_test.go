package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"chant/storage"
)

// An act is one call in the history of a process.
type act struct {
	Kind     string // get, put, putif, update, delete
	Key      string
	Value    string // what was written
	Version  uint64 // that putif expected
	Was      string // the value that get and update got
	WasThere bool
	At       uint64 // the version that get or putif returned
	Refused  bool   // putif met a conflict
	From, To int64  // nanoseconds
}

// history makes random calls and prints their results.
func history(dir string, args []string) error {
	me, times := args[0], number(args[1])
	s, err := storage.Open(dir, storage.Options{NoSync: args[2] == "nosync"})
	if err != nil {
		return err
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	var last storage.Version
	for i := range times {
		a := act{
			Kind: []string{"get", "get", "put", "putif", "update", "update", "delete"}[rand.IntN(7)],
			Key:  strconv.Itoa(rand.IntN(3)), Value: me + "." + strconv.Itoa(i), Version: uint64(last),
		}
		// All processes are on one machine and have the same clock.
		a.From = time.Now().UnixNano()
		err := a.call(s)
		a.To = time.Now().UnixNano()
		if err != nil {
			return err
		}
		if a.Kind == "get" {
			last = storage.Version(a.At)
		}
		if i%20 == 19 {
			if err := storage.Compact(s); err != nil {
				return err
			}
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return s.Close()
}

func (a *act) call(s *storage.Store) error {
	switch a.Kind {
	case "put":
		return s.Put(a.Key, []byte(a.Value))
	case "delete":
		return s.Delete(a.Key)
	case "putif":
		version, err := s.PutIf(a.Key, []byte(a.Value), storage.Version(a.Version))
		a.At, a.Refused = uint64(version), errors.Is(err, storage.ErrConflict)
		if a.Refused {
			err = nil
		}
		return err
	case "update":
		return s.Update(context.Background(), a.Key, func(old []byte) ([]byte, error) {
			a.Was, a.WasThere = string(old), old != nil
			return []byte(a.Value), nil
		})
	}
	e, err := s.Entry(a.Key)
	a.Was, a.WasThere, a.At = string(e.Value), err == nil, uint64(e.Version)
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return err
}

// cell is the state of a key. Its version is known after a get or putif.
type cell struct {
	Value   string
	There   bool
	Version uint64 // 0 if unknown
}

// keyModel describes the results of sequential calls for one key.
func keyModel() porcupine.Model {
	return porcupine.Model{
		Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, op := range all {
				byKey[op.Input.(act).Key] = append(byKey[op.Input.(act).Key], op)
			}
			var parts [][]porcupine.Operation
			for _, part := range byKey {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() any { return cell{} },
		Step: func(state, input, _ any) (bool, any) {
			c, a := state.(cell), input.(act)
			saw := a.WasThere == c.There && a.Was == c.Value
			switch a.Kind {
			case "get":
				if c.There && c.Version == 0 {
					return saw, cell{c.Value, true, a.At}
				}
				return saw && a.At == c.Version, c
			case "put":
				return true, cell{a.Value, true, 0}
			case "update":
				return saw, cell{a.Value, true, 0}
			case "delete":
				return true, cell{}
			}
			// putif expects a version that was read. If this version was never read, it is
			// another one.
			if matches := c.Version == a.Version && (c.Version != 0) == c.There; matches == a.Refused {
				return false, c
			}
			if a.Refused {
				return true, c
			}
			return true, cell{a.Value, true, a.At}
		},
		Equal:             func(a, b any) bool { return a == b },
		DescribeOperation: func(input, _ any) string { return fmt.Sprintf("%+v", input) },
	}
}

// The concurrent calls of several processes have the same results as some sequence of
// these calls.
func TestLinearizable(t *testing.T) {
	t.Parallel()
	const processes = 4
	for _, mode := range []string{"sync", "nosync"} {
		dir := t.TempDir()
		times := storage.Setting(t, "STORAGE_ACTS", 120)
		workers := make([]process, processes)
		for i := range workers {
			workers[i] = launch(t, "history", dir, strconv.Itoa(i), strconv.Itoa(times), mode)
		}
		for _, w := range workers {
			if _, err := io.WriteString(w.in, "!"); err != nil {
				t.Fatal(err)
			}
		}
		var all []porcupine.Operation
		for i, w := range workers {
			for line := range lines(w.out) {
				var a act
				if err := json.NewDecoder(strings.NewReader(line)).Decode(&a); err != nil {
					t.Fatal(line, err)
				}
				all = append(all, porcupine.Operation{ClientId: i, Input: a, Call: a.From, Return: a.To})
			}
			if err := w.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		if len(all) != processes*times {
			t.Fatalf("%d calls were made", len(all))
		}
		if result := porcupine.CheckOperationsTimeout(keyModel(), all, time.Minute); result != porcupine.Ok {
			t.Errorf("%s: the history is %s", mode, result)
		}
	}
}
