package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"chant/runner/project"
	"chant/runner/prove"
	"chant/runner/record"
)

// proveOptions are the flags of prove.
type proveOptions struct {
	prove          prove.Options
	json, markdown bool
	attest, sign   string // files; "" if not given
	check          string // file of a proof to check; "" to prove
	allowed        string
	signer         string
}

func (a *App) proveCommand() *cobra.Command {
	var opts proveOptions
	c := &cobra.Command{
		Use:   "prove [REPRO [FIX]]",
		Short: "Prove that a fix is what fixed the bug",
		Long: `Prove runs the test of a completed reproduction in three checkouts: where it was
written (it must fail for the stated reason), at head (the same test must pass,
in enough runs that chance does not explain it), and at head without the fix (it
must fail again). It also checks whether the test was changed and whether other
checks broke. Head is the commit that completed the fix, unless --at or --worktree
names another state. Without ids it proves every reproduction that has a fix. It
exits with 0 if every proof is "proven", with 3 if one is inconclusive, and else
with 1.`,
		ValidArgsFunction: a.completeIDs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.validate(args); err != nil {
				return err
			}
			if opts.check != "" {
				return a.checkProof(c.Context(), opts)
			}
			return a.prove(c.Context(), args, opts)
		},
	}
	f := c.Flags()
	f.StringVar(&opts.prove.At, "at", "", "prove this `REV` instead of the commit that completed the fix")
	f.BoolVar(&opts.prove.Worktree, "worktree", false, "prove HEAD with the changed files of the work tree")
	f.IntVar(&opts.prove.Runs, "runs", 0, "run each test at least `N` times")
	f.Float64Var(&opts.prove.Alpha, "alpha", defaultAlpha, "the largest accepted chance `P` of the same result if nothing had changed")
	f.IntVar(&opts.prove.MaxRuns, "max-runs", 0, "give up after `N` runs of a test in one tree")
	f.IntVarP(&opts.prove.Jobs, "jobs", "j", 1, "run the tests of `N` trees in parallel")
	f.BoolVar(&opts.prove.Keep, "keep", false, "do not remove the checkouts, and print where they are")
	f.BoolVar(&opts.prove.AllowHarness, "allow-harness", false, "allow a fix that changes how its test is run; the proof says so")
	f.BoolVar(&opts.markdown, "markdown", false, "print Markdown for a pull request")
	f.StringVar(&opts.attest, "attest", "", "write the proof to `FILE` as an in-toto statement")
	f.StringVar(&opts.sign, "sign", "", "sign the file of --attest with the SSH key in the file `KEY`; the signature is FILE.sig")
	f.StringVar(&opts.check, "check", "", "prove nothing; verify the signature of the proof in `FILE` and show the proof")
	f.StringVar(&opts.allowed, "allowed-signers", "", "the `FILE` with the allowed signers, as described in ssh-keygen(1)")
	f.StringVar(&opts.signer, "signer", "", "accept only the signer `ID`")
	jsonFlag(c, &opts.json)
	c.MarkFlagsMutuallyExclusive("at", "worktree")
	c.MarkFlagsMutuallyExclusive("json", "markdown")
	c.MarkFlagsRequiredTogether("check", "allowed-signers")
	return c
}

// defaultAlpha is the default of --alpha.
const defaultAlpha = 0.01

// validate refuses invalid flags and combinations of flags.
func (o proveOptions) validate(args []string) error {
	switch {
	case len(args) > 2:
		return &project.UsageError{Msg: "prove takes at most a reproduction and a fix", Mend: "chant prove [REPRO [FIX]]"}
	case o.check != "" && (len(args) > 0 || o.attest != "" || o.json || o.markdown || o.prove.At != "" || o.prove.Worktree):
		return &project.UsageError{
			Msg: "--check can't be combined with ids or flags of a proof", Mend: "chant prove --check FILE --allowed-signers FILE [--signer ID]",
		}
	case o.signer != "" && o.check == "":
		return &project.UsageError{Msg: "--signer needs --check"}
	case o.sign != "" && o.attest == "":
		return &project.UsageError{Msg: "--sign needs a file to sign", Mend: "--attest FILE"}
	case o.attest != "" && o.prove.Worktree:
		return &project.UsageError{
			Msg: "--attest needs a commit, so it can't be combined with --worktree", Mend: "commit the changes, and leave out --worktree",
		}
	case !(o.prove.Alpha > 0 && o.prove.Alpha < 1): // so that NaN is refused too
		return &project.UsageError{Msg: fmt.Sprintf("--alpha must be between 0 and 1, not %g", o.prove.Alpha)}
	case o.prove.Runs < 0 || o.prove.MaxRuns < 0 || o.prove.Jobs < 1:
		return &project.UsageError{Msg: "--runs and --max-runs must be at least 0, --jobs at least 1"}
	case o.prove.MaxRuns > 0 && o.prove.Runs > o.prove.MaxRuns:
		return &project.UsageError{Msg: fmt.Sprintf("--runs %d is more than --max-runs %d", o.prove.Runs, o.prove.MaxRuns)}
	}
	return nil
}

func (a *App) prove(ctx context.Context, queries []string, opts proveOptions) error {
	if opts.sign != "" { // a missing key must fail before the runs, not after them
		if _, err := a.readArg(opts.sign); err != nil {
			return err
		}
	}
	root, err := project.FindRoot(a.Dir)
	if err != nil {
		return err
	}
	named := append(queries, "", "")
	opts.prove.Reproduction, opts.prove.Fix = named[0], named[1]
	out := a.stdout()
	if opts.json || opts.markdown {
		out = a.stderr() // stdout is for the result that another program reads
	}
	v := a.newView(out, "prove", false)
	w, err := a.workshop(root, v.event)
	if err != nil {
		return errors.Join(err, v.close())
	}
	proofs, err := prove.Prover{Settings: w.settings, Git: w.repo, Version: version()}.Prove(ctx, opts.prove)
	err = errors.Join(err, v.close(), w.repo.Close())
	if err := a.writeProofs(proofs, opts, err); err != nil {
		return err
	}
	if opts.attest != "" {
		k := keygen{w.settings.Processes, a.Env, a.Dir}
		if err := a.attestProofs(ctx, k, proofs, opts.attest, opts.sign); err != nil {
			return err
		}
	}
	return proofStatus(proofs)
}

// writeProofs writes the proofs in the format of the flags, also those that were
// finished before a failure.
func (a *App) writeProofs(proofs []record.Proof, opts proveOptions, failure error) error {
	switch {
	case opts.json:
		return errors.Join(failure, writeJSON(a.Out, struct {
			Schema string         `json:"schema"`
			Proofs []record.Proof `json:"proofs"`
		}{"chant.prove/v1", append([]record.Proof{}, proofs...)}))
	case opts.markdown:
		return errors.Join(failure, writeProofsMarkdown(a.Out, proofs))
	}
	s := a.stdout()
	showProofs(s, proofs)
	return errors.Join(failure, s.failed())
}

// proofStatus returns nil only if there are proofs and all are proven.
func proofStatus(proofs []record.Proof) error {
	code := ExitHeld
	if len(proofs) == 0 {
		code = ExitNotYet
	}
	for _, p := range proofs {
		switch {
		case p.Verdict == record.Proven || code == ExitNotHeld:
		case p.Verdict == record.Inconclusive:
			code = ExitNotYet
		default:
			code = ExitNotHeld
		}
	}
	if code == ExitHeld {
		return nil
	}
	return statusError(code)
}
