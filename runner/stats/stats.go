// Package stats has the statistics of a proof: the bounds of a failure rate, and the number
// of passes that show that a failure is gone. It assumes that runs are independent and have
// the same failure rate.
package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// confidence is that of all bounds.
const confidence = 0.95

// Bounds returns the exact two-sided 95 % bounds of the failure rate after k failures in n
// runs (Clopper and Pearson, Biometrika 26(4), 1934). Without runs they are 0 and 1.
func Bounds(k, n int) (low, high float64) {
	low, high = 0, 1
	tail := (1 - confidence) / 2
	if k > 0 {
		low = mathext.InvRegIncBeta(float64(k), float64(n-k+1), tail)
	}
	if k < n {
		high = mathext.InvRegIncBeta(float64(k+1), float64(n-k), 1-tail)
	}
	return low, high
}

// Upper returns the exact one-sided 95 % upper bound of the failure rate after k failures in
// n runs. Without runs it is 1.
func Upper(k, n int) float64 {
	if k >= n {
		return 1
	}
	return mathext.InvRegIncBeta(float64(k+1), float64(n-k), confidence)
}

// Fisher returns the probability that none of k failures in n+m runs is among the last m, if
// the failure rate is the same in all: C(n,k)/C(n+m,k), Fisher's one-sided exact test for k
// of n against 0 of m. It is also exact if the n runs were stopped at the k-th failure.
func Fisher(k, n, m int) float64 {
	p := 1.0
	for i := range k {
		p *= float64(n-i) / float64(n+m-i)
	}
	return p
}

// Needed returns the smallest m for which Fisher(k, n, m) is at most alpha. If k or alpha is
// 0 there is none, and it returns math.MaxInt32.
func Needed(k, n int, alpha float64) int {
	if k == 0 || alpha <= 0 {
		return math.MaxInt32
	}
	enough := 1
	for enough < math.MaxInt32/2 && Fisher(k, n, enough) > alpha {
		enough *= 2
	}
	tooFew := 0 // too few, unless alpha is 1
	for tooFew < enough {
		middle := tooFew + (enough-tooFew)/2
		if Fisher(k, n, middle) > alpha {
			tooFew = middle + 1
		} else {
			enough = middle
		}
	}
	return enough
}
