package spec

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// with changes a spec in a table.
func with(s *Spec, change func(*Spec)) *Spec {
	change(s)
	return s
}

func inStatus(status Status, s *Spec) *Spec {
	s.Status = status
	return s
}

// skippedFor returns a spec that somebody skipped, with a reason.
func skippedFor(reason string, s *Spec) *Spec {
	s.Status, s.Skipped = StatusCancelled, Skip{Reason: reason, By: "ann"}
	return s
}

// approvable is a spec that needs approval, with one criterion.
func approvable(status, by, digest string) *Spec {
	return with(specOf("s"), func(s *Spec) {
		s.Criteria = []Criterion{{Number: 1, Text: "it works"}}
		s.Approval = Approval{Required: true, Status: status, By: by, Digest: digest}
	})
}

// only is the set of one id.
func only(id string) map[string]bool { return map[string]bool{id: true} }

// TestState looks at the spec "s" of each set.
func TestState(t *testing.T) {
	t.Parallel()
	digest := approvable("", "", "").ApprovalDigest()
	const needs = "needs approval by a person (chant approve s)"
	tests := []struct {
		name   string
		specs  []*Spec
		live   Live
		want   State
		blocks []Block
	}{
		// What the file says.
		{"no status", []*Spec{specOf("s")}, Live{}, StateReady, nil},
		{"pending", []*Spec{inStatus(StatusPending, specOf("s"))}, Live{}, StateReady, nil},
		{"in progress", []*Spec{inStatus(StatusInProgress, specOf("s"))}, Live{}, StateReady, nil},
		{"the words ready and blocked", []*Spec{inStatus("blocked", specOf("s"))}, Live{}, StateReady, nil},
		{"unknown word", []*Spec{inStatus("done", specOf("s"))}, Live{}, StateReady, nil},
		{"completed", []*Spec{inStatus(StatusCompleted, specOf("s"))}, Live{}, StateCompleted, nil},
		{"cancelled", []*Spec{inStatus(StatusCancelled, specOf("s"))}, Live{}, StateCancelled, nil},
		{"skipped", []*Spec{skippedFor("not needed", specOf("s"))}, Live{}, StateCancelled, nil},
		{"paused", []*Spec{inStatus(StatusPaused, specOf("s"))}, Live{}, StatePaused, nil},
		{"needs attention", []*Spec{inStatus(StatusNeedsAttention, specOf("s"))}, Live{}, StateNeedsAttention, nil},
		{"failed", []*Spec{inStatus(StatusFailed, specOf("s"))}, Live{}, StateFailed, nil},

		// What is live, and what goes before what.
		{"last run failed", []*Spec{specOf("s")}, Live{Failed: only("s")}, StateFailed, nil},
		{"in progress, last run failed", []*Spec{inStatus(StatusInProgress, specOf("s"))}, Live{Failed: only("s")}, StateFailed, nil},
		{"another's run failed", []*Spec{specOf("s")}, Live{Failed: only("other")}, StateReady, nil},
		{"running before failed", []*Spec{specOf("s")}, Live{Running: only("s"), Failed: only("s")}, StateRunning, nil},
		{"running before completed", []*Spec{inStatus(StatusCompleted, specOf("s"))}, Live{Running: only("s")}, StateRunning, nil},
		{"running before blocked", []*Spec{specOf("s", "none")}, Live{Running: only("s")}, StateRunning, nil},
		{"invalid before running", []*Spec{specOf("s", "none")}, Live{Running: only("s"), Invalid: only("s")}, StateInvalid, nil},
		{"completed before blocked", []*Spec{inStatus(StatusCompleted, specOf("s", "none"))}, Live{}, StateCompleted, nil},
		{"completed before failed", []*Spec{inStatus(StatusCompleted, specOf("s"))}, Live{Failed: only("s")}, StateCompleted, nil},
		{"blocked before failed", []*Spec{inStatus(StatusFailed, specOf("s", "none"))}, Live{Failed: only("s")}, StateBlocked,
			[]Block{{"none", `unknown dependency "none"`}}},

		// What blocks.
		{"dependency completed", []*Spec{specOf("s", "d"), inStatus(StatusCompleted, specOf("d"))}, Live{}, StateReady, nil},
		{"dependency completed and running again", []*Spec{specOf("s", "d"), inStatus(StatusCompleted, specOf("d"))}, Live{Running: only("d")},
			StateReady, nil},
		{"dependency taken for completed", []*Spec{specOf("s", "d"), specOf("d")}, Live{Done: only("d")}, StateReady, nil},
		{"taken for completed", []*Spec{specOf("s")}, Live{Done: only("s")}, StateCompleted, nil},
		{"dependency archived", []*Spec{specOf("s", "d"), inStatus(StatusCompleted, archivedOf("old", "d"))}, Live{}, StateReady, nil},
		{"dependency ready", []*Spec{specOf("s", "d"), specOf("d")}, Live{}, StateBlocked, []Block{{"d", "waiting for d"}}},
		{"dependency blocked", []*Spec{specOf("s", "d"), specOf("d", "e"), specOf("e")}, Live{}, StateBlocked, []Block{{"d", "waiting for d"}}},
		{"dependency running", []*Spec{specOf("s", "d"), specOf("d")}, Live{Running: only("d")}, StateBlocked, []Block{{"d", "waiting for d"}}},
		{"dependency failed", []*Spec{specOf("s", "d"), specOf("d")}, Live{Failed: only("d")}, StateBlocked,
			[]Block{{"d", "waiting for d (failed)"}}},
		{"dependency paused", []*Spec{specOf("s", "d"), inStatus(StatusPaused, specOf("d"))}, Live{}, StateBlocked,
			[]Block{{"d", "waiting for d (paused)"}}},
		{"dependency needs attention", []*Spec{specOf("s", "d"), inStatus(StatusNeedsAttention, specOf("d"))}, Live{}, StateBlocked,
			[]Block{{"d", "waiting for d (needs attention)"}}},
		{"dependency cancelled", []*Spec{specOf("s", "d"), inStatus(StatusCancelled, specOf("d"))}, Live{}, StateBlocked,
			[]Block{{"d", "waiting for d (cancelled: it will not complete)"}}},
		{"dependency skipped", []*Spec{specOf("s", "d"), skippedFor("not needed", specOf("d"))}, Live{}, StateReady, nil},
		{"dependency skipped without a reason", []*Spec{specOf("s", "d"), skippedFor("", specOf("d"))}, Live{}, StateBlocked,
			[]Block{{"d", "waiting for d (cancelled: it will not complete)"}}},
		{"dependency skipped and reopened", []*Spec{specOf("s", "d"), inStatus(StatusPending, skippedFor("not needed", specOf("d")))}, Live{},
			StateBlocked, []Block{{"d", "waiting for d"}}},
		{"dependency skipped and unreadable", []*Spec{specOf("s", "d"), skippedFor("not needed", specOf("d"))}, Live{Invalid: only("d")},
			StateBlocked, []Block{{"d", "waiting for d (invalid)"}}},
		{"dependency unreadable", []*Spec{specOf("s", "d"), inStatus(StatusCompleted, specOf("d"))}, Live{Invalid: only("d")}, StateBlocked,
			[]Block{{"d", "waiting for d (invalid)"}}},
		{"all of several", []*Spec{specOf("s", "e", "d", "f"), specOf("d"), specOf("e"), inStatus(StatusCompleted, specOf("f"))}, Live{},
			StateBlocked,
			[]Block{{"e", "waiting for e"}, {"d", "waiting for d"}}},
		{"dependency ambiguous", []*Spec{specOf("s", "d-"), specOf("d-1"), specOf("d-2")}, Live{}, StateBlocked,
			[]Block{{"d-", `ambiguous dependency "d-": one of "d-1", "d-2"`}}},
		{"self", []*Spec{specOf("s", "s")}, Live{}, StateBlocked, []Block{{"s", "dependency cycle s → s"}}},
		{"cycle", []*Spec{specOf("s", "d", "x"), specOf("d", "s"), specOf("x")}, Live{}, StateBlocked,
			[]Block{{"d", "dependency cycle d → s → d"}, {"x", "waiting for x"}}},
		{"cycle through a completed spec", []*Spec{specOf("s", "d"), inStatus(StatusCompleted, specOf("d", "s"))}, Live{}, StateBlocked,
			[]Block{{"d", "dependency cycle d → s → d"}}},
		{"cycle that waits for another cycle", []*Spec{specOf("s", "s", "d"), specOf("d", "d")}, Live{}, StateBlocked,
			[]Block{{"s", "dependency cycle s → s"}, {"d", "waiting for d"}}},
		{"beyond a cycle", []*Spec{specOf("s", "d"), specOf("d", "d")}, Live{}, StateBlocked, []Block{{"d", "waiting for d"}}},

		// Groups.
		{"members", []*Spec{specOf("s"), inStatus(StatusCompleted, specOf("s.1")), specOf("s.2"), specOf("s.3")}, Live{}, StateBlocked,
			[]Block{{"s.2", "waiting for s.2"}, {"s.3", "waiting for s.3"}}},
		{"members completed or skipped", []*Spec{specOf("s"), inStatus(StatusCompleted, specOf("s.1")), skippedFor("x", specOf("s.2"))},
			Live{}, StateReady, nil},
		{"members completed", []*Spec{specOf("s"), inStatus(StatusCompleted, specOf("s.1"))}, Live{}, StateReady, nil},

		// Approval.
		{"no approval required", []*Spec{with(specOf("s"), func(s *Spec) { s.Approval.Status = "rejected" })}, Live{}, StateReady, nil},
		{"approval missing", []*Spec{approvable("", "", "")}, Live{}, StateBlocked, []Block{{"s", needs}}},
		{"approval pending", []*Spec{approvable("pending", "", digest)}, Live{}, StateBlocked, []Block{{"s", needs}}},
		{"rejected", []*Spec{approvable("rejected", "bob", digest)}, Live{}, StateBlocked, []Block{{"s", "rejected by bob: " + needs}}},
		{"rejected by nobody", []*Spec{approvable("rejected", "", digest)}, Live{}, StateBlocked, []Block{{"s", "rejected: " + needs}}},
		{"approved", []*Spec{approvable("approved", "bob", digest)}, Live{}, StateReady, nil},
		{"approved by nobody", []*Spec{approvable("approved", "", "")}, Live{}, StateBlocked,
			[]Block{{"s", "changed since the approval: " + needs}}},
		{"approved without a digest", []*Spec{approvable("approved", "bob", "")}, Live{}, StateBlocked,
			[]Block{{"s", "changed since the approval by bob: " + needs}}},
		{"approved, then changed",
			[]*Spec{with(approvable("approved", "bob", digest), func(s *Spec) { s.Criteria[0].Text = "it half works" })}, Live{}, StateBlocked,
			[]Block{{"s", "changed since the approval by bob: " + needs}}},
		{"approval and dependency", []*Spec{with(approvable("", "", ""), func(s *Spec) { s.DependsOn = []Item{{Value: "d"}} }), specOf("d")},
			Live{}, StateBlocked,
			[]Block{{"d", "waiting for d"}, {"s", needs}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := NewSet(tt.specs)
			s, err := g.Resolve("s")
			if err != nil {
				t.Fatal(err)
			}
			state, blocks := g.State(s, tt.live)
			if state != tt.want {
				t.Errorf("State = %s, want %s", state, tt.want)
			}
			if diff := cmp.Diff(tt.blocks, blocks, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMemberWaitsForThePrecedingOne(t *testing.T) {
	t.Parallel()
	second := specOf("g.2")
	g := NewSet([]*Spec{specOf("g"), specOf("g.1"), second})
	state, blocks := g.State(second, Live{})
	if diff := cmp.Diff([]Block{{"g.1", "waiting for g.1"}}, blocks); diff != "" || state != StateBlocked {
		t.Errorf("state %s\n%s", state, diff)
	}
}

func TestStateOfASpecOfAnotherSet(t *testing.T) {
	t.Parallel()
	if state, blocks := NewSet([]*Spec{specOf("s")}).State(specOf("s"), Live{}); state != StateInvalid || blocks != nil {
		t.Errorf("State = %s, %v", state, blocks)
	}
}

// BenchmarkState computes the states of a whole set. The time per spec must
// stay about the same from size to size.
func BenchmarkState(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		specs := benchSpecs(n)
		b.Run(fmt.Sprintf("specs=%d", n), func(b *testing.B) {
			g := NewSet(specs)
			for b.Loop() {
				for _, s := range specs {
					g.State(s, Live{})
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/spec")
		})
	}
}

// BenchmarkNewSet links a whole set.
func BenchmarkNewSet(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		specs := benchSpecs(n)
		b.Run(fmt.Sprintf("specs=%d", n), func(b *testing.B) {
			for b.Loop() {
				NewSet(specs)
			}
		})
	}
}

// benchSpecs is a chain of groups of ten; the older half is completed.
func benchSpecs(n int) []*Spec {
	var specs []*Spec
	for i := range n {
		group := i / 10
		s := specOf(fmt.Sprintf("spec-%05d.%d", group, i%10))
		if i%10 == 0 {
			s = specOf(fmt.Sprintf("spec-%05d", group))
			if group > 0 {
				s.DependsOn = []Item{{Value: fmt.Sprintf("spec-%05d", group-1)}}
			}
		}
		if i < n/2 {
			s.Status = StatusCompleted
		}
		specs = append(specs, s)
	}
	return specs
}
