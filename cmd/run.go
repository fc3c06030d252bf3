package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// runOptions are the flags of run.
type runOptions struct {
	all, dryRun, verbose bool
	runner.RunOptions
}

func (a *App) runCommand() *cobra.Command {
	var opts runOptions
	c := &cobra.Command{
		Use:   "run [ID…]",
		Short: "Run the checks of a spec, tick the criteria that hold, commit when all do",
		Long: `Run runs the checks of the named specs in the order of their dependencies. It
ticks the criteria that hold and unticks those that do not. When all criteria of
a spec are met, it commits the changed target_files and completes the spec.
Without an id it runs the only spec that is ready.

With --agent an agent works first: one that chant knows, or one that
.chant/config.md defines. It gets the prompt that chant prompt shows. What the
agent says about the criteria has no effect: the checks decide.`,
		ValidArgsFunction: a.completeIDs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.validate(args); err != nil {
				return err
			}
			return a.run(c.Context(), args, opts)
		},
	}
	f := c.Flags()
	f.BoolVar(&opts.all, "all", false, "run all specs that are ready or become ready")
	f.BoolVar(&opts.dryRun, "dry-run", false, "show what would be run; run nothing")
	f.BoolVar(&opts.NoCommit, "no-commit", false, "tick what holds, but do not commit and do not complete")
	f.BoolVarP(&opts.SignOff, "signoff", "s", false, "add a Signed-off-by trailer to the commits")
	f.StringVarP(&opts.Message, "message", "m", "", "subject of the commit (default: the spec's title)")
	f.BoolVarP(&opts.verbose, "verbose", "v", false, "show every command as it runs")
	f.StringVar(&opts.Agent, "agent", "", "let the agent `NAME` work first; \"spec\" means the agent that the spec names")
	f.BoolVar(&opts.Open, "no-sandbox", false, "let the agent and its checks change what the user can change")
	f.BoolVar(&opts.Resume, "resume", false, "let the agent go on with what an interrupted run left")
	f.IntVar(&opts.Attempts, "attempts", 1, "let the agent try up to `N` times")
	return c
}

// validate refuses flags that don't go together.
func (o runOptions) validate(args []string) error {
	switch {
	case o.all && len(args) > 0:
		return &project.UsageError{Msg: "--all can't be combined with ids", Mend: "name specs, or run all that are ready"}
	case o.Attempts < 1:
		return &project.UsageError{Msg: fmt.Sprintf("--attempts must be at least 1, not %d", o.Attempts)}
	case o.Agent == "" && o.Attempts > 1:
		return &project.UsageError{Msg: "--attempts needs --agent"}
	case o.Agent == "" && (o.Open || o.Resume):
		return &project.UsageError{Msg: "--no-sandbox and --resume need --agent"}
	}
	return nil
}

func (a *App) run(ctx context.Context, queries []string, opts runOptions) error {
	p, live, err := a.board(ctx)
	if err != nil {
		return err
	}
	specs, err := a.choose(p, live, queries, opts.all)
	if err != nil {
		return err
	}
	if opts.dryRun {
		return a.dryRun(p, live, specs)
	}
	out := a.stdout()
	v := a.newView(out, "run", opts.verbose)
	engine, closeEngine, err := a.engine(p.Root, v.event)
	if err != nil {
		return errors.Join(err, v.close())
	}
	if err = engine.RefuseAgent(); err != nil {
		return errors.Join(err, v.close(), closeEngine())
	}
	next := nextReady(ctx, engine)
	if !opts.all {
		next = func() (id string, _ error) {
			if len(specs) > 0 {
				id, specs = specs[0].ID, specs[1:]
			}
			return id, nil
		}
	}
	err = a.runEach(ctx, engine, v, next, opts)
	return errors.Join(err, v.close(), closeEngine())
}

// choose returns the specs to run, each after its dependencies.
func (a *App) choose(p *project.Project, live runner.Live, queries []string, all bool) ([]*spec.Spec, error) {
	if len(queries) == 0 {
		ready := runner.Ready(p, live.Facts, nil)
		switch {
		case len(ready) == 0:
			return nil, errNothingReady
		case all:
			return runner.ReadyInTurn(p, live.Facts), nil
		case len(ready) == 1:
			return ready, nil
		}
		ids := make([]string, len(ready))
		for i, s := range ready {
			ids[i] = s.ID
		}
		return nil, &project.UsageError{Msg: "several specs are ready: " + strings.Join(ids, ", "), Mend: "name one, or use --all"}
	}
	named, err := resolveAll(p.Set, queries)
	return slices.DeleteFunc(p.Set.Order(), func(s *spec.Spec) bool { return !slices.Contains(named, s) }), err
}

// errNothingReady is returned by a run that has nothing to do, which is not a
// success.
var errNothingReady = errors.New("no spec is ready to run (chant status shows why)")

// runEach runs the specs that next returns, until it returns "". After a failure it
// goes on with the other specs, but those that depend on the failed one are not ready.
func (a *App) runEach(ctx context.Context, engine *runner.Engine, v *view, next func() (string, error), opts runOptions) error {
	var errs []error
	for ctx.Err() == nil {
		id, err := next()
		if id == "" {
			return errors.Join(append(errs, err)...)
		}
		errs = append(errs, a.runOne(ctx, engine, v, id, opts))
	}
	return stopped(ctx, errs)
}

// nextReady returns a function that returns the next ready spec, also if it became
// ready meanwhile, but each only once.
func nextReady(ctx context.Context, engine *runner.Engine) func() (string, error) {
	tried := map[string]bool{}
	return func() (string, error) {
		p, err := project.Load(engine.Settings.Root)
		if err != nil {
			return "", err
		}
		live, err := runner.ReadLive(ctx, p, engine.Git)
		if err != nil {
			return "", err
		}
		ready := runner.Ready(p, live.Facts, tried)
		if len(ready) == 0 {
			return "", nil
		}
		tried[ready[0].ID] = true
		return ready[0].ID, nil
	}
}

// stopped adds the cause of ctx, unless the error of an interrupted run has it
// already.
func stopped(ctx context.Context, errs []error) error {
	if cause := context.Cause(ctx); !errors.Is(errors.Join(errs...), cause) {
		errs = append(errs, cause)
	}
	return errors.Join(errs...)
}

// runOne runs one spec and shows how the run ended.
func (a *App) runOne(ctx context.Context, engine *runner.Engine, v *view, id string, opts runOptions) error {
	ev, err := engine.Run(ctx, id, opts.RunOptions)
	if err != nil {
		return err
	}
	v.result(ev, opts.NoCommit)
	code := map[record.Verdict]int{record.Failed: ExitNotHeld, record.Waiting: ExitNotYet}[ev.Verdict]
	return statusIf(code, code != ExitHeld)
}

// result shows how a run ended.
func (v *view) result(ev record.Evidence, noCommit bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	met := 0
	var waiting []string
	for _, r := range ev.Criteria {
		if r.Outcome.Met() {
			met++
		}
		if r.Outcome == record.Unattested {
			waiting = append(waiting, fmt.Sprint(r.Number))
		}
	}
	verdict, count, detail := coloured("failed", red), plainf("%d/%d", met, len(ev.Criteria)), plain(ev.Reason)
	switch {
	case ev.Verdict == record.Completed:
		verdict, detail = coloured("completed", green), faint(commitsText(ev.Commits))
	case ev.Verdict == record.AllHeld && noCommit:
		verdict, detail = coloured("held", green), faint("not completed because of --no-commit")
	case ev.Verdict == record.Waiting:
		verdict = coloured("waiting", yellow)
		detail = plainf("for a person to attest: chant attest %s %s -m NOTE", ev.Spec, strings.Join(waiting, " "))
	case len(ev.Criteria) == 0: // it failed before the first check
		count = plain("")
	}
	v.s.line(verdict, bold(ev.Spec), count, detail)
	if ev.Verdict == record.Completed && len(ev.Extra) > 0 {
		v.s.line(faint("  not in its commits: " + record.Some(ev.Extra)))
	}
}

func commitsText(commits []string) string {
	if len(commits) == 0 {
		return "nothing to commit"
	}
	return "commit " + short(commits[len(commits)-1])
}

// short returns the short form of a commit's or tree's hash.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// dryRun shows what run would do if all checks held, and fails if run would
// refuse a spec.
func (a *App) dryRun(p *project.Project, live runner.Live, specs []*spec.Spec) (err error) {
	engine, closeEngine, err := a.engine(p.Root, func(record.Event) {})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeEngine()) }()
	s := a.stdout()
	live.Facts.Done = map[string]bool{}
	var refused error
	for _, one := range specs {
		row := specRow(p, one, live)
		s.line(bold(one.ID), stateText(row.State))
		for _, reason := range row.Reasons {
			s.line(plain("  " + reason))
		}
		for _, c := range criteriaOf(one) {
			s.line()
			showCriterion(s, c, map[int]bool{})
		}
		s.line()
		err := engine.Refuse(p, one, live.Facts)
		live.Facts.Done[one.ID] = err == nil
		refused = errors.Join(refused, err)
	}
	return errors.Join(refused, s.failed())
}
