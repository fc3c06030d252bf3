package stats

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

// The intervals are those of Newcombe, Statistics in Medicine 17 (1998),
// table I, method 5, of R's binom.test, and the closed forms for none and all.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		k, n      int
		low, high float64
	}{
		{81, 263, 0.2527, 0.3676},
		{15, 148, 0.0578, 0.1617},
		{0, 20, 0, 0.1684},
		{1, 29, 0.0009, 0.1776},
		{5, 10, 0.1871, 0.8129},
		{38, 400, 0.0681, 0.1281},
		{5, 5, 0.4782, 1},
		{0, 0, 0, 1},
	} {
		low, high := Bounds(tt.k, tt.n)
		if !near(low, tt.low, 5e-5) || !near(high, tt.high, 5e-5) {
			t.Errorf("%d of %d: got %.4f to %.4f, want %.4f to %.4f", tt.k, tt.n, low, high, tt.low, tt.high)
		}
	}
}

func TestUpper(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		k, n int
		want float64
	}{
		{0, 400, 0.00746}, {0, 5, 0.45072}, {0, 59, 0.04951}, {0, 0, 1}, {3, 3, 1}, {0, 299, 0.00997},
	} {
		if got := Upper(tt.k, tt.n); !near(got, tt.want, 5e-6) {
			t.Errorf("%d of %d: got %.5f, want %.5f", tt.k, tt.n, got, tt.want)
		}
	}
	for n := 1; n < 500; n += 7 { // none of n: 1-(1-c)^(1/n)
		if got, want := Upper(0, n), 1-math.Pow(1-confidence, 1/float64(n)); !near(got, want, 1e-9) {
			t.Errorf("0 of %d: got %g, want %g", n, got, want)
		}
	}
}

func TestNeeded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ k, n, want int }{
		{3, 3, 7}, {5, 5, 4}, {10, 10, 3}, {8, 10, 5}, {5, 10, 12}, {3, 10, 33}, {10, 50, 27},
		{6, 100, 113}, {3, 100, 361}, {1, 100, 9900}, {1, 1, 99}, {0, 10, math.MaxInt32},
	} {
		if got := Needed(tt.k, tt.n, 0.01); got != tt.want {
			t.Errorf("%d of %d: got %d, want %d", tt.k, tt.n, got, tt.want)
		}
	}
	if got := Needed(3, 3, 1); got != 0 {
		t.Errorf("with any chance allowed: got %d, want 0", got)
	}
}

func TestFisher(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		k, n, m int
		want    float64
	}{
		{3, 3, 3, 0.05}, {4, 4, 4, 0.0142857}, {5, 5, 5, 0.0039683}, {10, 10, 10, 5.4125e-6}, {0, 9, 9, 1}, {5, 9, 0, 1},
	} {
		if got := Fisher(tt.k, tt.n, tt.m); !near(got, tt.want, 1e-6*tt.want+5e-8) {
			t.Errorf("%d of %d against none of %d: got %g, want %g", tt.k, tt.n, tt.m, got, tt.want)
		}
	}
	if got := Fisher(38, 400, 400); got < 1e-12 || got > 3e-12 { // PROOF: 1.4e-12 for 38+0 in 400+400
		t.Errorf("38 of 400 against none of 400: got %g, want about 1.4e-12", got)
	}
}

// tally draws k of n.
func tally(t *rapid.T) (k, n int) {
	n = rapid.IntRange(1, 400).Draw(t, "n")
	return rapid.IntRange(1, n).Draw(t, "k"), n
}

// The bounds are those rates at which so many failures, or so few, have a
// chance of exactly one half of what the confidence leaves.
func TestBoundsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k, n := tally(t)
		low, high := Bounds(k, n)
		if !(low < float64(k)/float64(n)) || high < float64(k)/float64(n) {
			t.Fatalf("%d of %d lies outside %g to %g", k, n, low, high)
		}
		atLeast := distuv.Binomial{N: float64(n), P: low}.Survival(float64(k) - 1)
		if !near(atLeast, 0.025, 1e-6) {
			t.Fatalf("at the low bound %g of %d in %d the chance of as many is %g", low, k, n, atLeast)
		}
		if k < n {
			if atMost := (distuv.Binomial{N: float64(n), P: high}).CDF(float64(k)); !near(atMost, 0.025, 1e-6) {
				t.Fatalf("at the high bound %g of %d in %d the chance of as few is %g", high, k, n, atMost)
			}
		}
	})
}

func TestFisherIsTheRatioOfBinomials(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k, n := tally(t)
		m := rapid.IntRange(0, 400).Draw(t, "m")
		got := Fisher(k, n, m)
		want := math.Exp(combin.LogGeneralizedBinomial(float64(n), float64(k)) - combin.LogGeneralizedBinomial(float64(n+m), float64(k)))
		if !near(got, want, 1e-9*want+1e-300) {
			t.Fatalf("%d of %d against none of %d: got %g, want %g", k, n, m, got, want)
		}
	})
}

func TestNeededIsTheLeast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k, n := tally(t)
		alpha := rapid.Float64Range(1e-6, 0.5).Draw(t, "alpha")
		m := Needed(k, n, alpha)
		if Fisher(k, n, m) > alpha || m > 0 && Fisher(k, n, m-1) <= alpha {
			t.Fatalf("%d of %d at %g: %d is not the least", k, n, alpha, m)
		}
	})
}

func ExampleNeeded() {
	fmt.Println(Needed(5, 5, 0.01), Needed(3, 10, 0.01))
	// Output: 4 33
}
