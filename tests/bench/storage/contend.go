package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

const roleVar = "STORAGE_BENCH_ROLE"

// report is the result of one process in a contest.
type report struct {
	Done  int
	Took  []int64 // nanoseconds, of each
	Found []int   // by process, how many updates the value held at the end
}

// result is the result of a contest.
type result struct {
	rate, fairness, p50, p99, longest float64 // 1/s, 1, ms, ms, ms
	done, lost                        int
}

// measure runs n processes with the same role for a while.
func measure(ctx context.Context, c contest, role string, n int, d time.Duration, dir string) (result, error) {
	dir, err := os.MkdirTemp(dir, "contest-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	type worker struct {
		cmd *exec.Cmd
		in  io.WriteCloser
		out *bufio.Reader
	}
	workers := make([]worker, n)
	for i := range workers {
		cmd := exec.CommandContext(ctx, self, dir, strconv.Itoa(i), strconv.Itoa(c.keys), strconv.Itoa(c.clients), d.String())
		cmd.Env = append(os.Environ(), roleVar+"="+role)
		cmd.Stderr = os.Stderr
		in, inErr := cmd.StdinPipe()
		out, outErr := cmd.StdoutPipe()
		if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
			return result{}, err
		}
		workers[i] = worker{cmd, in, bufio.NewReader(out)}
		if line, err := workers[i].out.ReadString('\n'); err != nil { // ready
			return result{}, fmt.Errorf("%q: %w", line, err)
		}
	}
	for _, w := range workers {
		if _, err := io.WriteString(w.in, "!"); err != nil {
			return result{}, err
		}
	}
	reports := make([]report, n)
	for i, w := range workers {
		if err := errors.Join(json.NewDecoder(w.out).Decode(&reports[i]), w.cmd.Wait()); err != nil {
			return result{}, err
		}
	}
	last, err := finalCounts(role, dir, n, c.keys)
	return sum(reports, last, d), err
}

func sum(reports []report, found []int, d time.Duration) result {
	var took []int64
	least, busiest, lost := reports[0].Done, 0, 0
	for i, r := range reports {
		took = append(took, r.Took...)
		least, busiest = min(least, r.Done), max(busiest, r.Done)
		if found != nil {
			lost += r.Done - found[i]
		}
	}
	slices.Sort(took)
	at := func(p float64) float64 { return float64(took[int(p*float64(len(took)-1))]) / 1e6 }
	return result{
		rate: float64(len(took)) / d.Seconds(), fairness: float64(least) / float64(max(busiest, 1)),
		p50: at(0.5), p99: at(0.99), longest: at(1), done: len(took), lost: lost,
	}
}

// work is one process of a contest.
func work(role string, args []string) error {
	dir, me, keys, clients := args[0], number(args[1]), number(args[2]), number(args[3])
	length, err := time.ParseDuration(args[4])
	if err != nil {
		return err
	}
	step, closing, err := contender(role, dir, me)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return err
	}
	took, errs := make([][]int64, clients), make([]error, clients)
	var group sync.WaitGroup
	for c := range clients {
		took[c] = make([]int64, 0, 1<<20/clients)
		group.Go(func() { errs[c] = client(step, me*clients+c, keys, length, &took[c]) })
	}
	group.Wait()
	if err := errors.Join(errors.Join(errs...), closing()); err != nil {
		return err
	}
	all := slices.Concat(took...)
	return json.NewEncoder(os.Stdout).Encode(report{Done: len(all), Took: all})
}

// client updates one key after the other, and records how long each update took.
func client(step func(key string) error, first, keys int, length time.Duration, took *[]int64) error {
	start := time.Now()
	for i := first; time.Since(start) < length; i += 7 {
		before := time.Now()
		if err := step(keyName(i % keys)); err != nil {
			return err
		}
		*took = append(*took, time.Since(before).Nanoseconds())
	}
	return nil
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// A value has 16 bytes of decimal digits for each of 16 processes.
const (
	fieldSize = 16
	valueSize = 16 * fieldSize
)

func addOne(old []byte, me int) ([]byte, error) {
	value := slices.Clone(old)
	if value == nil {
		value = []byte(fmt.Sprintf("%0*d", valueSize, 0))
	}
	field := value[me*fieldSize:][:fieldSize]
	n, err := strconv.Atoi(string(field))
	copy(field, fmt.Sprintf("%0*d", fieldSize, n+1))
	return value, err
}

// finalCounts returns the sums of each process's fields at the end, or nil for raw loops.
func finalCounts(role, dir string, n, keys int) ([]int, error) {
	var counts []int
	for k := range keys {
		value, err := read(role, dir, keyName(k))
		if err != nil || value == nil {
			return nil, err
		}
		if counts == nil {
			counts = make([]int, n)
		}
		for i := range counts {
			count, err := strconv.Atoi(string(value[i*fieldSize:][:fieldSize]))
			if err != nil {
				return nil, err
			}
			counts[i] += count
		}
	}
	return counts, nil
}

func keyName(k int) string { return "user:" + strconv.Itoa(k) }

func at(dir, name string) string { return filepath.Join(dir, name) }
