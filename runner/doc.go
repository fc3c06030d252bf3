// Package runner is chant's engine: it plans and runs the checks of specs, ticks
// what held, records the work as commits, and keeps what people say of a spec.
//
// Planning and judging are plain functions over values. Processes, git, files and
// the clock stand at the edge, in the fields of Engine. Everything that happens is
// told as one stream of events, from one goroutine, in order.
package runner
