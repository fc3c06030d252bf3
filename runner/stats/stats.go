// Package stats has the statistics of a proof: how sure a rate of failure is,
// and how many passes it takes to say that the failure is gone. Runs are taken
// to be independent and alike.
package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Confidence is that of all bounds given by this package.
const Confidence = 0.95

// Bounds gives the exact two-sided bounds of the rate of failure after k
// failures in n runs (Clopper and Pearson, Biometrika 26(4), 1934); 0 and 1
// where there were no runs.
func Bounds(k, n int) (low, high float64) {
	low, high = 0, 1
	tail := (1 - Confidence) / 2
	if k > 0 {
		low = mathext.InvRegIncBeta(float64(k), float64(n-k+1), tail)
	}
	if k < n {
		high = mathext.InvRegIncBeta(float64(k+1), float64(n-k), 1-tail)
	}
	return low, high
}

// Upper gives the exact one-sided upper bound of the rate of failure after k
// failures in n runs; 1 where there were no runs.
func Upper(k, n int) float64 {
	if k >= n {
		return 1
	}
	return mathext.InvRegIncBeta(float64(k+1), float64(n-k), Confidence)
}

// Fisher gives the chance that, of k failures in n+m runs that are all alike,
// none falls into the last m: C(n,k)/C(n+m,k), the one-sided exact test of
// Fisher for k of n against 0 of m. It also holds where the n runs were ended
// at the k-th failure.
func Fisher(k, n, m int) float64 {
	p := 1.0
	for i := range k {
		p *= float64(n-i) / float64(n+m-i)
	}
	return p
}

// Needed gives the least m for which Fisher(k, n, m) is at most alpha. Without
// a failure there is none; it is then math.MaxInt32.
func Needed(k, n int, alpha float64) int {
	if k == 0 || alpha <= 0 {
		return math.MaxInt32
	}
	enough := 1
	for enough < math.MaxInt32/2 && Fisher(k, n, enough) > alpha {
		enough *= 2
	}
	few := 0 // never enough, unless alpha is 1
	for few < enough {
		middle := few + (enough-few)/2
		if Fisher(k, n, middle) > alpha {
			few = middle + 1
		} else {
			enough = middle
		}
	}
	return enough
}
