package spec

import (
	"fmt"
	"slices"
	"strings"
)

// State is what a spec can do now. Only Set.State computes it.
type State string

// The states. A spec with the status pending or in_progress is ready, blocked or
// failed; it is running only if its lock is held. A spec whose file has errors
// is invalid.
const (
	StateReady          State = "ready"
	StateBlocked        State = "blocked"
	StateRunning        State = "running"
	StateFailed         State = "failed"
	StateCompleted      State = "completed"
	StateCancelled      State = "cancelled"
	StatePaused         State = "paused"
	StateNeedsAttention State = "needs_attention"
	StateInvalid        State = "invalid"
)

// Live holds facts about specs that are not in their files, by spec id. A nil
// map is empty.
type Live struct {
	Running map[string]bool // the spec's lock is held
	Failed  map[string]bool // its last run failed, and nothing changed since
	Invalid map[string]bool // its file has errors
	Done    map[string]bool // counts as completed, whatever its file says
	// Unrecorded are specs whose files say completed while no commit does: they are
	// not completed.
	Unrecorded map[string]bool
}

// Block is one reason why a spec can't run yet.
type Block struct {
	ID     string // the spec or unresolved dependency that it waits for, or its own id
	Reason string // names what the spec waits for, as in "waiting for 001"
}

// State returns the state of a spec and, if it is blocked, all reasons. A spec
// that is not in the set is invalid.
func (g *Set) State(s *Spec, live Live) (State, []Block) {
	i, ok := g.index[s]
	if !ok {
		return StateInvalid, nil
	}
	state := g.state(i, live)
	if state != StateBlocked {
		return state, nil
	}
	return state, g.blocks(i, live)
}

func (g *Set) state(i int, live Live) State {
	s := g.all[i]
	switch {
	case live.Invalid[s.ID]:
		return StateInvalid
	case live.Running[s.ID]:
		return StateRunning
	case g.completed(i, live):
		return StateCompleted
	case s.Status == StatusCancelled:
		return StateCancelled
	case s.Status == StatusPaused:
		return StatePaused
	case s.Status == StatusNeedsAttention:
		return StateNeedsAttention
	case g.blocked(i, live):
		return StateBlocked
	case s.Status == StatusFailed || live.Failed[s.ID]:
		return StateFailed
	}
	return StateReady
}

// blocked reports whether blocks would return a reason. It reads the files'
// statuses of direct dependencies, not their computed states, so it terminates
// in a cycle too and its cost is the number of dependencies.
func (g *Set) blocked(i int, live Live) bool {
	n := &g.nodes[i]
	return n.cycle > 0 || len(n.unresolved) > 0 || n.approval != "" ||
		slices.ContainsFunc(n.needs, func(e edge) bool { return !g.done(e.to, live) })
}

// done reports whether the dependents of a spec can run.
func (g *Set) done(i int, live Live) bool {
	s := g.all[i]
	return (g.completed(i, live) || s.IsSkipped()) && !live.Invalid[s.ID]
}

// completed reports whether a spec counts as completed.
func (g *Set) completed(i int, live Live) bool {
	s := g.all[i]
	return s.Status == StatusCompleted && !live.Unrecorded[s.ID] || live.Done[s.ID]
}

func (g *Set) blocks(i int, live Live) []Block {
	n := &g.nodes[i]
	var blocks []Block
	if n.cycle > 0 {
		cycle := g.cycles[n.cycle-1]
		blocks = append(blocks, Block{g.all[cycle[0]].ID, "dependency cycle " + g.cyclePath(cycle)})
	}
	for _, item := range n.unresolved {
		reason := fmt.Sprintf("unknown dependency %q", item.Value)
		if found := g.matches(item.Value); len(found) > 0 {
			reason = fmt.Sprintf("ambiguous dependency %q: one of %s", item.Value, quoted(g.names(found), ", "))
		}
		blocks = append(blocks, Block{item.Value, reason})
	}
	for _, e := range n.needs {
		if g.done(e.to, live) || n.cycle > 0 && g.nodes[e.to].cycle == n.cycle {
			continue
		}
		reason := "waiting for " + g.all[e.to].ID
		switch state := g.state(e.to, live); state {
		case StateReady, StateRunning, StateBlocked:
		case StateCancelled:
			reason += " (cancelled: it will not complete)"
		default:
			reason += fmt.Sprintf(" (%s)", strings.ReplaceAll(string(state), "_", " "))
		}
		blocks = append(blocks, Block{g.all[e.to].ID, reason})
	}
	if n.approval != "" {
		blocks = append(blocks, Block{g.all[i].ID, n.approval})
	}
	return blocks
}

// The statuses of an approval. All but Approved block the spec, and so does none.
const (
	ApprovalPending = "pending"
	Approved        = "approved"
	Rejected        = "rejected"
)

// missingApproval says why a spec's required approval is missing or void, and
// what to do; "" if the spec is approved or needs no approval.
func missingApproval(s *Spec) string {
	a := s.Approval
	by := ""
	if a.By != "" {
		by = " by " + a.By
	}
	needs := "needs approval by a person (chant approve " + s.ID + ")"
	switch {
	case !a.Required:
		return ""
	case a.Status == Rejected:
		return "rejected" + by + ": " + needs
	case a.Status != Approved:
		return needs
	case a.Digest != s.ApprovalDigest():
		return "changed since the approval" + by + ": " + needs
	}
	return ""
}
