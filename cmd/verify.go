package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"chant/runner/record"
	"chant/runner/verify"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	at, shard       string
	reports         []string
	strict, verbose bool
	json            bool
}

func (a *App) verifyCommand() *cobra.Command {
	var opts verifyOptions
	c := &cobra.Command{
		Use:   "verify [ID…]",
		Short: "Run the checks of completed specs again; change nothing",
		Long: `Verify runs the checks of completed specs again: at=head checks in the work tree
(or at --at REV), at=phase checks in a checkout of the commit that completed the
spec. It also reports what is wrong with a completed spec: open criteria,
criteria or checks that were edited later, ticks without a check and without an
attestation, a dependency that is not completed, and commits that are not here.`,
		ValidArgsFunction: a.completeIDs,
		RunE:              func(c *cobra.Command, args []string) error { return a.verify(c.Context(), args, opts) },
	}
	f := c.Flags()
	f.StringVar(&opts.at, "at", "", "verify this `REV` in a checkout instead of the work tree")
	f.StringVar(&opts.shard, "shard", "", "verify only part `I/N` of the specs")
	f.StringArrayVar(&opts.reports, "report", nil, "also write a report, `FORMAT[=FILE]`: json, junit, markdown or github")
	f.BoolVar(&opts.strict, "strict", false, "fail on warnings too: ticks without a check and an attestation, commits that are not here")
	f.BoolVarP(&opts.verbose, "verbose", "v", false, "show every command as it runs")
	jsonFlag(c, &opts.json)
	return c
}

func (a *App) verify(ctx context.Context, queries []string, opts verifyOptions) error {
	request := verify.Options{At: opts.at}
	var err error
	if opts.shard != "" {
		if request.Shard, err = verify.ParseShard(opts.shard); err != nil {
			return err
		}
	}
	reports, err := parseReports(opts.reports)
	if err != nil {
		return err
	}
	p, err := a.project()
	if err != nil {
		return err
	}
	request.Project = p
	named, err := resolveAll(p.Set, queries)
	if err != nil {
		return err
	}
	for _, s := range named {
		request.IDs = append(request.IDs, s.ID)
	}
	out := a.stdout()
	if opts.json || slices.ContainsFunc(reports, reportTo.toStdout) {
		out = a.stderr() // stdout is for the result that another program reads
	}
	v := a.newView(out, "verify", opts.verbose)
	w, err := a.workshop(p.Root, v.event)
	if err != nil {
		return errors.Join(err, v.close())
	}
	found, err := verify.Verifier{Settings: w.settings, Git: w.repo}.Verify(ctx, request)
	err = errors.Join(err, v.close(), w.repo.Close())
	return a.showVerification(out, found, opts, reports, err)
}

// showVerification writes the findings, the summary and the reports, and returns
// the error for the verdict. The results of an interrupted verification are
// reported too.
func (a *App) showVerification(out *screen, found record.Verification, opts verifyOptions, reports []reportTo, failure error) error {
	verdict := found.Verdict(opts.strict)
	if failure != nil && !errors.Is(failure, verify.ErrNothingToVerify) {
		verdict = record.Broken
	}
	view := verification{found, verdict, opts.strict}
	if opts.json {
		if err := writeJSON(a.Out, view.json()); err != nil {
			return errors.Join(failure, err)
		}
	}
	for _, r := range reports {
		if err := a.writeReport(r, view); err != nil {
			return errors.Join(failure, err)
		}
	}
	if failure != nil {
		return errors.Join(failure, statusIf(ExitNotHeld, found.Missed()))
	}
	showFindings(out, view)
	if err := out.failed(); err != nil {
		return err
	}
	if verdict == record.Nothing {
		return fmt.Errorf("%w: the selected specs have no check and no attested criterion", verify.ErrNothingToVerify)
	}
	code := map[record.Verdict]int{record.Failed: ExitNotHeld, record.Invalid: ExitUsage, record.Broken: ExitEnvironment}[verdict]
	return statusIf(code, code != ExitHeld)
}

// verification is a finished verification with its verdict.
type verification struct {
	record.Verification
	verdict record.Verdict
	strict  bool
}

type verificationJSON struct {
	Schema  string         `json:"schema"`
	Verdict record.Verdict `json:"verdict"`
	record.Verification
	Specs []verifiedJSON `json:"specs"`
}

type verifiedJSON struct {
	record.Verified
	Verdict record.Verdict `json:"verdict"`
	Proven  int            `json:"proven"` // criteria shown to hold
}

func (v verification) json() verificationJSON {
	out := verificationJSON{Schema: "chant.verify/v1", Verdict: v.verdict, Verification: v.Verification, Specs: []verifiedJSON{}}
	for _, s := range v.Specs {
		out.Specs = append(out.Specs, verifiedJSON{s, s.Verdict(v.strict), s.Proven()})
	}
	return out
}

// showFindings writes the findings of each spec and a summary.
func showFindings(s *screen, v verification) {
	unproven, bad := 0, 0
	for _, one := range v.Specs {
		if one.Error != "" {
			s.line(coloured("✗", red), plain(one.Error))
		}
		for _, f := range one.Findings {
			style := red
			if f.Minor() && !v.strict {
				style = yellow
			}
			if f.Rule == record.RuleUnproven {
				unproven++
			}
			s.line(coloured("!", style), bold(location(one.Path, f.Line, 1)), plain(f.Text), faint("["+f.Rule+"]"))
		}
		if one.Verdict(v.strict) != record.AllHeld {
			bad++
		}
	}
	s.line()
	summary := fmt.Sprintf("%s verified, %d failed", plural(len(v.Specs), "spec"), bad)
	if unproven > 0 {
		summary += fmt.Sprintf(", %d unproven", unproven)
	}
	s.line(text{summary, v.headline().style}, plainf("(%s)", v.where()))
	for _, one := range v.Specs {
		for _, r := range one.Criteria {
			if !r.Outcome.Met() && r.Outcome != record.Unattested {
				s.line(coloured("  ✗", red), bold(one.ID), plainf("%d. %s", r.Number, r.Text), faint("— "+resultText(r)))
			}
		}
	}
}

func (v verification) headline() text {
	switch v.verdict {
	case record.AllHeld:
		return coloured("verified", green)
	case record.Nothing:
		return coloured("nothing verified", yellow)
	}
	return coloured("not verified", red)
}

// where says which commit was verified.
func (v verification) where() string {
	switch {
	case v.Commit == "":
		return "in a work tree without commits"
	case v.Worktree && len(v.Dirty) > 0:
		return fmt.Sprintf("at %s with %s changed", short(v.Commit), plural(len(v.Dirty), "file"))
	}
	return "at " + short(v.Commit)
}
