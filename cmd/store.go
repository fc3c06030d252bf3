package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"chant/runner/project"
	"chant/storage"
)

// storeCommand checks and repairs the project's store. It is for support only, so
// the help does not list it.
func (a *App) storeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:    "store",
		Short:  "Check and repair the project's store, which holds the evidence of runs",
		Hidden: true,
		Args:   noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return &project.UsageError{Msg: c.CommandPath() + " needs a subcommand", Mend: c.CommandPath() + " --help lists them"}
		},
	}
	var repair bool
	check := a.answering(&cobra.Command{
		Use:   "check",
		Short: "Verify all checksums and list what is damaged",
		Args:  noArgs,
	}, func(ctx context.Context, _ []string) (answer, error) {
		report, err := a.checkStore(ctx, repair)
		return newStoreReport(report, repair), err
	})
	check.Flags().BoolVar(&repair, "repair", false, "remove what is damaged and keep the rest; the damaged log is saved next to the new one")
	c.AddCommand(check)
	return c
}

// checkStore checks or repairs the store of the current folder's project. It does
// not read specs and config, so that errors in them don't matter. It refuses to
// repair for agents, because the store holds the evidence about their work.
func (a *App) checkStore(ctx context.Context, repair bool) (report storage.Report, err error) {
	root, err := project.FindRoot(a.Dir)
	if err != nil {
		return report, err
	}
	if repair {
		if err := a.asker(root).RefuseAgent(); err != nil {
			return report, err
		}
	}
	s, err := storage.Open(project.StorePath(root), storage.Options{ReadOnly: !repair})
	if err == nil {
		defer func() { err = errors.Join(err, s.Close()) }()
		if repair {
			return s.Repair(ctx)
		}
		report, err = s.Check()
	}
	// Without a readable header the log can't be opened, so Check can't report it.
	if damage, ok := errors.AsType[*storage.CorruptError](err); ok && !repair {
		return storage.Report{
			Stats:    storage.Stats{File: damage.File},
			Problems: []storage.Problem{{Offset: damage.Offset, What: damage.What}},
		}, nil
	}
	return report, err
}

// storeReport is the answer of store check.
type storeReport struct {
	Schema string `json:"schema"`
	storage.Report
	IsOK     bool `json:"ok"`
	Repaired bool `json:"repaired"`
}

func newStoreReport(r storage.Report, repair bool) storeReport {
	r.Problems = append([]storage.Problem{}, r.Problems...)
	return storeReport{"chant.store-check/v1", r, r.OK(), repair && !r.OK()}
}

func (r storeReport) status() error { return statusIf(ExitNotHeld, !r.IsOK && !r.Repaired) }

func (r storeReport) show(s *screen) {
	if r.IsOK {
		s.line(coloured("no damage:", green), plainf("%s, %d bytes", plural(r.Keys, "key"), r.Bytes))
		return
	}
	for _, p := range r.Problems {
		whose := ""
		if p.Key != "" {
			whose = fmt.Sprintf("key %q:", p.Key)
		}
		s.line(coloured("damaged:", red), plainf("%s at byte %d:", r.File, p.Offset), plain(whose), plain(p.What))
	}
	if r.SyncFailed {
		s.line(coloured("damaged:", red), plainf("%s from byte %d on: not written to disk, because a sync failed", r.File, r.OnDisk))
	}
	if r.Repaired {
		s.line(coloured("repaired:", green), plain("removed what was damaged; the damaged log is saved next to the new one as *.damaged"))
	} else {
		s.line(plain(repairHint))
	}
}

// repairHint says how to repair a damaged store.
const repairHint = "chant store check --repair removes what is damaged and keeps the rest"
