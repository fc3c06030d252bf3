package cmd

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"chant/runner/project"
	"chant/storage"
)

// storeCommand shows and repairs the project's store. It is for support only, so
// the help does not list it.
func (a *App) storeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:    "store",
		Short:  "Show and repair the project's store: evidence and history, by key",
		Hidden: true,
		Args:   noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return &usageError{msg: c.CommandPath() + " needs a subcommand", hint: c.CommandPath() + " --help lists them"}
		},
	}
	c.AddCommand(a.storeGetCommand(), a.storePutCommand(), a.storeListCommand(), a.storeCheckCommand(), a.storeStatsCommand())
	return c
}

// openStore opens the store of the current folder's project. It does not read
// specs and config, so that errors in them don't matter.
func (a *App) openStore(opts storage.Options) (*storage.Store, error) {
	root, err := project.FindRoot(a.Dir)
	if err != nil {
		return nil, err
	}
	return storage.Open(filepath.Join(root, filepath.FromSlash(project.StoreDir)), opts)
}

// reading calls f with the store opened for reading.
func (a *App) reading(f func(s *storage.Store) error) (err error) {
	s, err := a.openStore(storage.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(s)
}

// writing calls f with the store opened for writing. It refuses agents, because
// the store holds the evidence about their work.
func (a *App) writing(f func(s *storage.Store) error) (err error) {
	root, err := project.FindRoot(a.Dir)
	if err != nil {
		return err
	}
	if err := a.asker(root).RefuseAgent(); err != nil {
		return err
	}
	s, err := a.openStore(storage.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(s)
}

func (a *App) storeGetCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "get KEY",
		Short: "Print the value of a key; not on a terminal, the exact bytes",
		Args:  argCount(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.reading(func(s *storage.Store) error { return a.storeGet(s, args[0], asJSON) })
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// entryJSON is a key with its value, which is in base64 if it is not UTF-8.
type entryJSON struct {
	Schema   string          `json:"schema"`
	Key      string          `json:"key"`
	Version  storage.Version `json:"version"`
	Size     int             `json:"size"`
	Encoding string          `json:"encoding"` // utf-8 or base64
	Value    string          `json:"value"`
}

func (a *App) storeGet(s *storage.Store, key string, asJSON bool) error {
	e, err := s.Entry(key)
	if errors.Is(err, storage.ErrNotFound) {
		a.stderr().line(bold("chant:"), plainf("no such key: %q (chant store list shows them)", key))
		return statusError(ExitNotHeld)
	}
	if err != nil {
		return asUsageError(err)
	}
	if asJSON {
		out := entryJSON{"chant.store-get/v1", e.Key, e.Version, len(e.Value), "utf-8", string(e.Value)}
		if !utf8.Valid(e.Value) {
			out.Encoding, out.Value = "base64", base64.StdEncoding.EncodeToString(e.Value)
		}
		return writeJSON(a.Out, out)
	}
	if file, ok := a.Out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return showValue(a.stdout(), e.Value)
	}
	if _, err := a.Out.Write(e.Value); err != nil {
		return fmt.Errorf("writing output: %w", err)
	}
	return nil
}

// showValue writes a value without control characters.
func showValue(s *screen, value []byte) error {
	s.write(strings.TrimSuffix(cleanLines(string(value)), "\n") + "\n")
	return s.failed()
}

func (a *App) storePutCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "put KEY [VALUE|-]",
		Short: "Set the value of a key, from standard input if no value is given",
		Args:  argCount(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.writing(func(s *storage.Store) error {
				if len(args) == 2 && args[1] != "-" {
					return asUsageError(s.Put(args[0], []byte(args[1])))
				}
				value, err := io.ReadAll(io.LimitReader(c.InOrStdin(), storage.MaxValue+1))
				if err != nil {
					return fmt.Errorf("reading the value: %w", err)
				}
				return asUsageError(s.Put(args[0], value))
			})
		},
	}
}

func (a *App) storeListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [PREFIX]",
		Short: "List all keys, or those with a prefix",
		Args:  argCount(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.reading(func(s *storage.Store) error { return a.storeList(s, strings.Join(args, ""), asJSON) })
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// storeList shows the keys that can be read, even if the store is damaged.
func (a *App) storeList(s *storage.Store, prefix string, asJSON bool) error {
	keys, err := s.List(prefix)
	if err != nil && !errors.Is(err, storage.ErrCorrupt) {
		return err
	}
	v := struct {
		Schema string   `json:"schema"`
		Keys   []string `json:"keys"`
	}{"chant.store-list/v1", append([]string{}, keys...)}
	return errors.Join(err, a.output(v, asJSON, func(s *screen) {
		for _, key := range keys {
			s.line(plain(key))
		}
	}))
}

func (a *App) storeCheckCommand() *cobra.Command {
	var asJSON, repair bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Verify all checksums and list what is damaged",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if repair {
				return a.writing(func(s *storage.Store) error { return a.storeRepair(c.Context(), s, asJSON) })
			}
			return a.storeCheck(asJSON)
		},
	}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVar(&repair, "repair", false, "remove what is damaged and keep the rest; the damaged log is saved next to the new one")
	return c
}

func (a *App) storeCheck(asJSON bool) error {
	var report storage.Report
	err := a.reading(func(s *storage.Store) (err error) {
		report, err = s.Check()
		return err
	})
	// Without a readable header the log can't be opened, so Check can't report it.
	if damage, ok := errors.AsType[*storage.CorruptError](err); ok {
		report = storage.Report{
			Stats:    storage.Stats{File: damage.File},
			Problems: []storage.Problem{{Offset: damage.Offset, What: damage.What}},
		}
	} else if err != nil {
		return err
	}
	if err := a.showReport(report, false, asJSON); err != nil {
		return err
	}
	if !report.OK() {
		return statusError(ExitNotHeld)
	}
	return nil
}

func (a *App) storeRepair(ctx context.Context, s *storage.Store, asJSON bool) error {
	report, err := s.Repair(ctx)
	if err != nil {
		return err
	}
	return a.showReport(report, !report.OK(), asJSON)
}

func (a *App) showReport(report storage.Report, repaired, asJSON bool) error {
	report.Problems = append([]storage.Problem{}, report.Problems...)
	v := struct {
		Schema string `json:"schema"`
		storage.Report
		OK       bool `json:"ok"`
		Repaired bool `json:"repaired"`
	}{"chant.store-check/v1", report, report.OK(), repaired}
	return a.output(v, asJSON, func(s *screen) { showDamage(s, report, repaired) })
}

func showDamage(s *screen, report storage.Report, repaired bool) {
	if report.OK() {
		s.line(coloured("no damage:", green), plainf("%s, %d bytes", plural(report.Keys, "key"), report.Bytes))
		return
	}
	for _, p := range report.Problems {
		whose := ""
		if p.Key != "" {
			whose = fmt.Sprintf("key %q:", p.Key)
		}
		s.line(coloured("damaged:", red), plainf("%s at byte %d:", report.File, p.Offset), plain(whose), plain(p.What))
	}
	if report.SyncFailed {
		s.line(coloured("damaged:", red), plainf("%s from byte %d on: not written to disk, because a sync failed", report.File, report.OnDisk))
	}
	if repaired {
		s.line(coloured("repaired:", green), plain("removed what was damaged; the damaged log is saved next to the new one as *.damaged"))
	} else {
		s.line(plain(repairHint))
	}
}

// repairHint says how to repair a damaged store.
const repairHint = "chant store check --repair removes what is damaged and keeps the rest"

func (a *App) storeStatsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "stats",
		Short: "Show the size and state of the store",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.reading(func(s *storage.Store) error { return a.storeStats(s, asJSON) })
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

func (a *App) storeStats(s *storage.Store, asJSON bool) error {
	stats, err := s.Stats()
	if err != nil {
		return err
	}
	v := struct {
		Schema string `json:"schema"`
		storage.Stats
	}{"chant.store-stats/v1", stats}
	return a.output(v, asJSON, func(out *screen) {
		var rows [][]text
		row := func(name string, value any) { rows = append(rows, []text{plain(name), plain(fmt.Sprint(value))}) }
		row("folder", s.Dir())
		row("log", stats.File)
		row("format", stats.Format)
		row("generation", stats.Generation)
		row("keys", stats.Keys)
		row("last version", stats.Version)
		row("bytes of the log", stats.Bytes)
		row("bytes of current values", stats.Current)
		row("bytes synced to disk", stats.OnDisk)
		row("compaction due", stats.CompactDue)
		row("sync failed", stats.SyncFailed)
		out.table(rows)
	})
}

// asUsageError makes an error about an invalid key or value a usage error.
func asUsageError(err error) error {
	if errors.Is(err, storage.ErrInvalidKey) || errors.Is(err, storage.ErrTooLarge) {
		return &usageError{msg: err.Error()}
	}
	return err
}

// argCount accepts least to most arguments.
func argCount(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return &usageError{msg: fmt.Sprintf("%s: wrong number of arguments: %d", c.UseLine(), len(args)), hint: c.CommandPath() + " --help"}
		}
		return nil
	}
}
