package storage

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// image is a disk after a power loss, and its allowed contents: all acknowledged writes,
// without or with the interrupted one.
type image struct {
	disk         *disk
	before, then map[string]string
}

// powerLoss runs steps on a store. Before every operation on a file it simulates several
// power losses.
type powerLoss struct {
	t      *testing.T
	random *rand.Rand
	disk   *disk
	store  *Store
	now    map[string]string
	next   map[string]string
	images []image
}

func newPowerLoss(t *testing.T, seed uint64) *powerLoss {
	p := &powerLoss{t: t, random: rand.New(rand.NewPCG(seed, 1)), disk: newDisk(t), now: map[string]string{}, next: map[string]string{}}
	p.disk.step = p.lose
	p.open()
	return p
}

func (p *powerLoss) open() {
	var err error
	if p.store, err = p.disk.store(Options{}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *powerLoss) lose(d *disk) {
	ways := []func() bool{
		func() bool { return false }, func() bool { return true },
		coin(p.random), coin(p.random), func() bool { return p.random.IntN(8) > 0 },
	}
	for _, keep := range ways {
		p.images = append(p.images, image{disk: d.loss(keep), before: maps.Clone(p.now), then: maps.Clone(p.next)})
	}
}

// do makes one call. Function change makes the same change to the expected content.
func (p *powerLoss) do(change func(map[string]string), call func() error) {
	p.next = maps.Clone(p.now)
	change(p.next)
	if err := call(); err != nil {
		p.t.Fatal(err)
	}
	p.now = maps.Clone(p.next)
}

func (p *powerLoss) step() {
	key := fmt.Sprintf("key %d", p.random.IntN(4))
	value := strings.Repeat(fmt.Sprint(p.random.Uint64()), p.random.IntN(120))
	switch p.random.IntN(8) {
	case 0:
		p.do(func(m map[string]string) { delete(m, key) }, func() error { return p.store.Delete(key) })
	case 1:
		p.do(func(map[string]string) {}, func() error { return p.store.compactNow(p.t.Context()) })
	case 2:
		p.do(func(m map[string]string) { m[key], m["batch"] = value, value }, func() error {
			return p.store.Batch(p.t.Context(), func(tx *Tx) error {
				return errors.Join(tx.Put(key, []byte(value)), tx.Put("batch", []byte(value)))
			})
		})
	case 3:
		if err := p.store.Close(); err != nil {
			p.t.Fatal(err)
		}
		p.open()
	default:
		p.do(func(m map[string]string) { m[key] = value }, func() error { return p.store.Put(key, []byte(value)) })
	}
}

// check opens the store after the power loss, and uses it.
func (i image) check() error {
	s, err := i.disk.store(Options{})
	if err != nil {
		return err
	}
	got := map[string]string{}
	for e, err := range s.Scan("") {
		if err != nil {
			return err
		}
		got[e.Key] = string(e.Value)
	}
	if cmp.Diff(i.before, got) != "" && cmp.Diff(i.then, got) != "" {
		return fmt.Errorf("acknowledged (-want +got):\n%s\nor with what was under way:\n%s", cmp.Diff(i.before, got), cmp.Diff(i.then, got))
	}
	if err := s.Put("after", []byte("1")); err != nil {
		return err
	}
	report, err := s.Check()
	if err != nil || !report.OK() {
		return fmt.Errorf("%+v, %w", report, err)
	}
	names, err := i.disk.listed()
	for _, name := range names {
		if strings.HasSuffix(name, draftSuffix) || strings.HasSuffix(name, repairSuffix) {
			err = errors.Join(err, errors.New(name+" was left over"))
		}
	}
	return errors.Join(err, s.Close())
}

func TestPowerLoss(t *testing.T) {
	t.Parallel()
	steps, runs := 40, Setting(t, "STORAGE_LOSSES", 3)
	points := 0
	for seed := range uint64(runs) {
		p := newPowerLoss(t, seed)
		for range steps {
			p.step()
		}
		for n, image := range p.images {
			if err := image.check(); err != nil {
				t.Fatalf("seed %d, loss %d of %d: %v", seed, n, len(p.images), err)
			}
		}
		points += len(p.images)
		for kind, min := range map[string]int{"write": 20, "sync": 20, "rename": 2, "remove": 2, "sync folder": 2} {
			if p.disk.done[kind] < min {
				t.Errorf("seed %d: %d operations %q, want at least %d", seed, p.disk.done[kind], kind, min)
			}
		}
	}
	t.Logf("%d losses", points)
}

// Setting returns a number from the environment, or usual if it is not set. With it, a
// test can run longer than usual.
func Setting(t *testing.T, name string, usual int) int {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return usual
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
