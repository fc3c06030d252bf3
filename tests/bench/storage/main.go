// Command storage compares package storage with the raw speed of the disk and of the
// lock, and with two databases. It measures all of them in turns in one run, and only
// their ratios mean something, because the speed of a disk changes from hour to hour.
//
//	go run . [-rounds 3] [-time 1s] [-keys 100000] [-dir DIR] [-only TITLE]
//	go run . -rounds 1 -time 60s -only lost
//
// Its tests break the store in one place at a time, and check that a test of the store
// finds each flaw:
//
//	go test -v .
//
// Each contender runs as several processes (this program again, with a role), which start
// together.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

type settings struct {
	rounds int
	time   time.Duration
	keys   int
	dir    string
	only   string
}

func main() {
	if role := os.Getenv(roleVar); role != "" {
		if err := work(role, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 3, "how often everything is measured")
	flag.DurationVar(&s.time, "time", time.Second, "how long each measurement takes")
	flag.IntVar(&s.keys, "keys", 100_000, "keys of the uncontended store")
	flag.StringVar(&s.dir, "dir", "", "the folder to work in; a temporary one by default")
	flag.StringVar(&s.only, "only", "", "measure only the contest whose title has this in it")
	flag.Parse()
	if err := run(context.Background(), s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp(s.dir, "storage-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := contended(ctx, s, dir); err != nil {
		return err
	}
	if !strings.Contains(alone, s.only) {
		return nil
	}
	return uncontended(s, dir)
}

// A contest says which contenders are compared, with how many processes.
type contest struct {
	title     string
	limits    []string // raw loops: the results of the others are shown as ratios to them
	others    []string
	processes []int
	keys      int
	clients   int // goroutines in each process
}

func contests() []contest {
	racers := []string{"chant", "chant nosync", "files without a lock", "files without a lock nosync"}
	return []contest{
		{"durable updates of one key", []string{"R1 flock+append+sync", "R2 append+sync"},
			[]string{"chant", "bbolt", "sqlite"}, []int{1, 2, 4, 8, 16}, 1, 1},
		{"updates of one key without sync", []string{"R3 flock"}, []string{"chant nosync"}, []int{1, 2, 4, 8, 16}, 1, 1},
		{"lost updates of one key", nil, racers, []int{16}, 1, 1},
		// With one client each, 16 processes seldom meet at one of 100 keys.
		{"lost updates of 100 keys", nil, racers, []int{16}, 100, 16},
	}
}

func contended(ctx context.Context, s settings, dir string) error {
	for _, c := range contests() {
		if !strings.Contains(c.title, s.only) {
			continue
		}
		all := slices.Concat(c.limits, c.others)
		results := map[string][]result{} // by contender and number of processes
		for range s.rounds {
			for _, n := range c.processes {
				for _, role := range all {
					r, err := measure(ctx, c, role, n, s.time, dir)
					if err != nil {
						return fmt.Errorf("%s, %d processes: %w", role, n, err)
					}
					key := fmt.Sprint(role, n)
					results[key] = append(results[key], r)
				}
			}
		}
		show(c, all, results)
	}
	return nil
}

// show prints medians over the rounds; ratios are taken within a round.
func show(c contest, all []string, results map[string][]result) {
	fmt.Printf("\n%s\n\n| | processes | op/s |", c.title)
	for _, limit := range c.limits {
		fmt.Printf(" / %s |", limit[:2])
	}
	fmt.Print(" least/busiest | p50 | p99 | p99/p50 | longest | lost |\n|---|---|---|")
	for range c.limits {
		fmt.Print("---|")
	}
	fmt.Println("---|---|---|---|---|---|")
	for _, role := range all {
		for _, n := range c.processes {
			rs := results[fmt.Sprint(role, n)]
			fmt.Printf("| %s | %d | %.0f |", role, n, median(rs, func(_ int, r result) float64 { return r.rate }))
			for _, limit := range c.limits {
				base := results[fmt.Sprint(limit, n)]
				fmt.Printf(" %.2f |", median(rs, func(i int, r result) float64 { return r.rate / base[i].rate }))
			}
			p50 := median(rs, func(_ int, r result) float64 { return r.p50 })
			p99 := median(rs, func(_ int, r result) float64 { return r.p99 })
			ratio := median(rs, func(_ int, r result) float64 { return r.p99 / r.p50 })
			fair := median(rs, func(_ int, r result) float64 { return r.fairness })
			longest := median(rs, func(_ int, r result) float64 { return r.longest })
			done, lost := 0, 0
			for _, r := range rs {
				done, lost = done+r.done, lost+r.lost
			}
			fmt.Printf(" %.2f | %.3f ms | %.3f ms | %.1f | %.0f ms | %d of %d (%.1f %%) |\n",
				fair, p50, p99, ratio, longest, lost, done, 100*float64(lost)/float64(done))
		}
	}
}

func median(rs []result, of func(i int, r result) float64) float64 {
	values := make([]float64, len(rs))
	for i, r := range rs {
		values[i] = of(i, r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
