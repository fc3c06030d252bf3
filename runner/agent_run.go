package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"chant/runner/agent"
	"chant/runner/git"
	"chant/runner/process"
	"chant/spec"
)

// AgentDir holds the prompts of agents at work.
const AgentDir = ".chant/store/agents"

// crew is what a run with an agent needs.
type crew struct {
	*attempt
	agent     agent.Agent
	attempts  int
	isolation *isolation // nil where the agent works in the user's tree
	tips      []git.Hash // of all history, before any attempt
	head      git.Head   // before the agent ran
	watch     *watch     // likewise
	committed []string   // paths in commits that agents made
	left      worktree   // as the attempt before left it; nil in the first
	broken    []string   // why the run can't count
}

// withAgent lets the agent and the checks take turns until all holds, the
// attempts are used up, or the agent did what no check can make good. It gives
// the results of the last checks.
func (a *attempt) withAgent(ctx context.Context, opts RunOptions, check func() ([]Result, error)) (results []Result, err error) {
	c := &crew{attempt: a, attempts: max(opts.Attempts, 1)}
	if c.agent, err = a.chooseAgent(opts.Agent); err != nil {
		return nil, err
	}
	if opts.Isolate {
		if c.isolation, err = a.isolate(ctx, a.spec, path.Join(StoreDir, "aside", a.ev.ID, "worktree")); err != nil {
			return nil, err
		}
		defer func() {
			keep := ctx.Err() != nil || err != nil // to go on with
			err = errors.Join(err, c.isolation.close(context.WithoutCancel(ctx), keep))
		}()
	}
	if c.tips, err = a.Git.Tips(ctx); err != nil {
		return nil, err
	}
	var failed []Result
	for n := 1; ; n++ {
		if err := c.attemptOnce(ctx, n, failed); err != nil || ctx.Err() != nil {
			return nil, err
		}
		a.committed = c.committed
		results = nil
		if len(c.broken) == 0 {
			if results, err = c.checked(check); err != nil || ctx.Err() != nil {
				return results, err
			}
		}
		if len(c.broken) > 0 {
			a.ev.Reason = strings.Join(c.broken, "; ")
			return results, nil
		}
		last := a.ev.Agents[len(a.ev.Agents)-1]
		failed = slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Outcome.Met() || r.Manual })
		if n == c.attempts || len(failed) == 0 && last.Status == agent.OK && len(last.Conflicts) == 0 {
			return results, nil
		}
	}
}

// checked runs the checks. They run what the agent wrote, and so specs are
// guarded from them as well.
func (c *crew) checked(check func() ([]Result, error)) ([]Result, error) {
	last := &c.ev.Agents[len(c.ev.Agents)-1]
	aside := c.asideOf(last.Attempt)
	g, err := c.newGuard(c.project, c.spec.Targets, path.Join(aside, "checks"))
	if err != nil {
		return nil, err
	}
	g.from = "a check"
	results, err := check()
	f, guardErr := g.check(c.spec.Path, moved{}) // its claims are nothing: ticks will be what held
	c.broken = append(c.broken, f.broken...)
	if len(f.putBack) > 0 {
		last.PutBack, last.Aside = append(last.PutBack, f.putBack...), aside
		for _, text := range (AgentRun{PutBack: f.putBack, Aside: aside}).Notices() {
			c.Emit(Notice{Spec: c.spec.ID, Text: text})
		}
	}
	return results, errors.Join(err, guardErr)
}

// asideOf names the folder for what is set aside of an attempt.
func (c *crew) asideOf(n int) string { return path.Join(StoreDir, "aside", c.ev.ID, strconv.Itoa(n)) }

// chooseAgent gives the agent of that name, or the one that the spec names.
func (a *attempt) chooseAgent(name string) (agent.Agent, error) {
	if name == spec.AgentOfSpec {
		if name = a.spec.Agent; name == "" {
			return agent.Agent{}, &UsageError{Msg: "spec " + a.spec.ID + " names no agent", Mend: "chant run --agent NAME"}
		}
	}
	return resolveAgent(a.project, name, a.Env)
}

func resolveAgent(p *Project, name string, env []string) (agent.Agent, error) {
	user, err := loadUserConfig(env)
	if err != nil {
		return agent.Agent{}, err
	}
	return agent.Resolve(name, p.Config.Agents, user.Agents)
}

// attemptOnce runs the agent once and takes stock of what it did.
func (c *crew) attemptOnce(ctx context.Context, n int, failed []Result) (err error) {
	prompt, err := ComposePrompt(c.project, c.spec, failed, c.agent.Limit)
	if err != nil {
		return err
	}
	if c.head, err = c.Git.Head(); err != nil {
		return err
	}
	g, err := c.newGuard(c.project, c.spec.Targets, c.asideOf(n))
	if err != nil {
		return err
	}
	if c.watch, err = c.newWatch(ctx); err != nil {
		return err
	}
	run := newAgentRun(n, prompt)
	k, err := c.newKeep(ctx, &run)
	if err == nil {
		err = c.remember(k, g, run)
	}
	if err != nil {
		return err
	}
	c.Emit(AgentStarted{Spec: c.spec.ID, Agent: c.agent.Name, Attempt: n, Attempts: c.attempts, Started: c.Now()})
	run.Result, err = c.runAgent(ctx, n, prompt.Text)
	// What it did has to be known even where chant is stopped now.
	ctx = context.WithoutCancel(ctx)
	if run.Status != agent.NotStarted {
		err = errors.Join(err, c.takeStock(ctx, g, k, &run))
	} else {
		err = errors.Join(err, k.drop(ctx, &run))
	}
	if len(run.PutBack)+len(run.Conflicts) > 0 {
		run.Aside = g.aside
	}
	transcript := run.Transcript
	run.Transcript = "" // it has a key of its own
	c.ev.Agents = append(c.ev.Agents, run)
	c.tell(run)
	if run.Status == agent.NotStarted {
		return err
	}
	err = errors.Join(err, c.keepTranscript(n, transcript))
	if run.Status == agent.Cancelled { // a run that is stopped leaves the spec as it was
		return err
	}
	return errors.Join(err, c.appendTranscript(transcript))
}

// runAgent runs the agent's program with its prompt.
func (c *crew) runAgent(ctx context.Context, n int, prompt string) (_ agent.Result, err error) {
	at := path.Join(AgentDir, c.spec.ID) // nobody else's, thanks to the spec's lock
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return agent.Result{Status: agent.NotStarted}, err
	}
	defer root.Close()
	top := place{dir: c.Root, root: root}
	err = top.folder(AgentDir)
	if err == nil {
		err = errors.Join(root.RemoveAll(at), root.Mkdir(at, 0o700)) // a killed run left it
	}
	if err != nil {
		return agent.Result{Status: agent.NotStarted}, fmt.Errorf("making the folder of the prompt: %w", err)
	}
	defer func() {
		if top.folder(AgentDir) == nil { // what the agent made of it leads nowhere else
			err = errors.Join(err, root.RemoveAll(at))
		}
	}()
	where := c.Root
	if c.isolation != nil {
		where = c.isolation.dir
	}
	return agent.Run(ctx, c.Processes, agent.Job{
		Agent: c.agent, Prompt: prompt, PromptFile: abs(c.Root, path.Join(at, fmt.Sprintf("prompt-%d.md", n))),
		Model: c.spec.Model, Dir: where, Spec: c.spec.ID, Phase: c.spec.Phase, RunID: c.ev.ID,
		Env:     withProgram(process.Environ(c.Env), c.Self),
		Secrets: process.Secrets(c.Env), Patterns: c.project.Config.Secrets,
		Progress: func(line string) { c.Emit(AgentProgress{Spec: c.spec.ID, Line: line}) },
	})
}

// takeStock finds out what the agent did to the repository, and puts back what
// it may not do.
func (c *crew) takeStock(ctx context.Context, g *guard, k *keep, run *AgentRun) error {
	if err := c.lookAtRepository(ctx, g.aside, run); err != nil { // before git does anything else
		return err
	}
	m, err := c.lookAtHead(ctx, run)
	if err != nil {
		return err
	}
	if c.isolation != nil && run.Status != agent.Cancelled { // what was interrupted stays to go on with
		back, err := c.isolation.bringBack(ctx, g.aside)
		if err != nil {
			return err
		}
		run.Claims, run.Stays, run.Conflicts = append(run.Claims, back.claims...), append(run.Stays, back.outside...), append(run.Conflicts, back.conflicts...)
		if back.broken != "" {
			c.broken = append(c.broken, back.broken)
		}
		if len(back.conflicts) > 0 {
			c.broken = append(c.broken, "changed by somebody else meanwhile: "+strings.Join(back.conflicts, ", "))
		}
		if len(back.unfit) > 0 {
			c.broken = append(c.broken, "the agent made of target files what can't be brought back: "+strings.Join(back.unfit, ", "))
		}
	}
	f, err := g.check(c.spec.Path, m)
	if err != nil {
		return err
	}
	run.Claims, run.PutBack = append(run.Claims, f.claims...), append(run.PutBack, f.putBack...)
	c.broken = append(c.broken, f.broken...)
	after, err := c.giveBack(ctx, k, m, run)
	if err != nil {
		return err
	}
	c.left = after
	for _, at := range run.Restored { // as if nobody had touched it
		c.before[at] = after[at]
	}
	judges := c.judges()
	for _, at := range append(after.since(c.before), c.committed...) {
		if judges(at) && !slices.Contains(run.Tests, at) {
			run.Tests = append(run.Tests, at)
		}
	}
	return nil
}

// judges tells the files of the reproductions that the spec builds on: its own
// work is judged by them.
func (c *crew) judges() func(at string) bool {
	var tests []*spec.Spec
	seen := map[*spec.Spec]bool{c.spec: true}
	open := c.project.Set.Dependencies(c.spec)
	for len(open) > 0 {
		s := open[0]
		open = open[1:]
		if seen[s] {
			continue
		}
		seen[s] = true
		if len(redChecks(s)) > 0 {
			tests = append(tests, s)
		}
		open = append(open, c.project.Set.Dependencies(s)...)
	}
	return func(at string) bool {
		return slices.ContainsFunc(tests, func(s *spec.Spec) bool { return s.Targets(at) })
	}
}

// lookAtHead tells what became of HEAD: the agent's own commits count for the
// run, anything else breaks it.
func (c *crew) lookAtHead(ctx context.Context, run *AgentRun) (m moved, err error) {
	if inProgress, ok := errors.AsType[*git.InProgressError](c.Git.Ready(ctx)); ok {
		c.broken = append(c.broken, "the agent left things half done: "+inProgress.Error())
		m.midway = true
	}
	now, err := c.Git.Head()
	if err != nil || now == c.head {
		return m, err
	}
	if now.Ref != c.head.Ref {
		c.broken = append(c.broken, fmt.Sprintf("the agent switched from %s to %s (git checkout %[1]s goes back)", branch(c.head), branch(now)))
		m.to = now.Commit
		m.known, err = c.Git.Reaches(c.tips, now.Commit)
		return m, err
	}
	commits, ok, err := c.commitsSince(now.Commit, c.head.Commit)
	if err != nil {
		return m, err
	}
	if !ok {
		c.broken = append(c.broken, fmt.Sprintf(
			"the agent rewrote history: commit %.12s is no longer on %s (git branch rescued %.12[1]s keeps it)", c.head.Commit, branch(c.head)))
		m.to = now.Commit
		m.known, err = c.Git.Reaches(c.tips, now.Commit)
		return m, err
	}
	run.Commits = append(run.Commits, commits...)
	c.ev.Commits = append(c.ev.Commits, commits...)
	paths, err := c.differing(c.head.Commit, now.Commit)
	if err != nil {
		return m, err
	}
	c.committed = append(c.committed, paths...)
	if specs := slices.DeleteFunc(paths, func(at string) bool { return !isSpecFile(at) }); len(specs) > 0 {
		c.broken = append(c.broken, "the agent committed spec files: "+strings.Join(specs, ", "))
	}
	return m, nil
}

// branch names what HEAD is on.
func branch(h git.Head) string {
	if h.Ref == "HEAD" {
		return string(h.Commit)
	}
	return strings.TrimPrefix(h.Ref, "refs/heads/")
}

// commitsSince gives the commits on the first-parent line from one back to
// another, without that, the oldest first; ok is false where it is not there.
func (e *Engine) commitsSince(from, to git.Hash) (commits []string, ok bool, err error) {
	for commit, err := range e.Git.FirstParents(from) {
		if errors.Is(err, git.ErrShallow) {
			break
		}
		if err != nil {
			return nil, false, err
		}
		if commit.Hash == to {
			ok = true
			break
		}
		commits = append(commits, string(commit.Hash))
	}
	slices.Reverse(commits)
	return commits, ok || to == "", nil
}

// differing lists the paths in which two commits differ; "" is the empty one.
func (e *Engine) differing(a, b git.Hash) ([]string, error) {
	trees := [2]tree{{}, {}}
	for i, commit := range []git.Hash{a, b} {
		if commit == "" {
			continue
		}
		files, err := e.Git.List(commit)
		if err != nil {
			return nil, err
		}
		trees[i] = treeOf(commit, files)
	}
	return changedPaths(trees[0], trees[1], everywhere), nil
}

// tell shows what the agent did that somebody should know.
func (c *crew) tell(run AgentRun) {
	c.Emit(AgentDone{Spec: c.spec.ID, Run: run})
	for _, text := range run.Notices() {
		c.Emit(Notice{Spec: c.spec.ID, Text: text})
	}
}

// transcriptLength is the most bytes of an agent's output that go into the spec
// file; the store has more.
const transcriptLength = 64 << 10

// appendTranscript adds what the agent said to the spec's file.
func (c *crew) appendTranscript(transcript string) error {
	if head, tail := wholeLines(transcript, transcriptLength/2); len(head)+len(tail) < len(transcript) {
		transcript = fmt.Sprintf("%s… %d bytes are left out here; chant log %s shows more …\n%s",
			head, len(transcript)-len(head)-len(tail), c.spec.ID, tail)
	}
	at := c.Now()
	err := c.edit(func(src []byte) ([]byte, error) { return spec.AppendTranscript(src, at, transcript) })
	if _, changed := errors.AsType[*changedError](err); changed || errors.Is(err, os.ErrNotExist) {
		return nil // the run fails for that, and says so
	}
	return err
}

func transcriptKey(specID, runID string, n int) string {
	return fmt.Sprintf("transcripts/%s/%s/%d", specID, runID, n)
}

// keepTranscript puts what the agent said into the store.
func (c *crew) keepTranscript(n int, transcript string) error {
	h, err := c.History()
	if err != nil {
		return err
	}
	return errors.Join(h.Store.Put(transcriptKey(c.spec.ID, c.ev.ID, n), []byte(transcript)), h.Close())
}

// Transcript gives what the agent said in the n-th attempt of a run.
func (h History) Transcript(specID, runID string, n int) (string, error) {
	value, err := h.Store.Get(transcriptKey(specID, runID, n))
	if err != nil {
		return "", fmt.Errorf("reading what the agent said in run %s of %s: %w", runID, specID, err)
	}
	return string(value), nil
}
