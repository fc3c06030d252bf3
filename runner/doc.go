// Package runner is chant's engine: it plans and runs the checks of specs, ticks what held,
// commits the work, and records attestations and approvals.
//
// Planning and judging are pure functions. Processes, git and the clock are fields of
// Engine. Everything that happens is reported by one stream of events, in order.
package runner
