// Package runner is chant's engine: it loads a project, plans and runs the
// checks of its specs, ticks what held, records the work as commits, and
// re-proves completed specs later.
//
// Planning and judging are plain functions over values. Processes, git, files
// and the clock stand at the edge, in the fields of Engine. Everything that
// happens is told as one stream of Events, from one goroutine, in order.
package runner
