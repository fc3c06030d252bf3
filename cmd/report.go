package cmd

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"chant/storage/atomicfile"
)

// reportTo is one --report flag.
type reportTo struct {
	format string
	file   string // "" or "-" means stdout
}

func (r reportTo) toStdout() bool { return r.file == "" || r.file == "-" }

// reportFormats returns the writer of each format.
func reportFormats() map[string]func(w io.Writer, v verification) error {
	return map[string]func(io.Writer, verification) error{
		"json":     func(w io.Writer, v verification) error { return writeJSON(w, v.json()) },
		"junit":    writeJUnit,
		"markdown": writeMarkdown,
		"github":   writeGitHub,
	}
}

func parseReports(args []string) ([]reportTo, error) {
	known := reportFormats()
	var list []reportTo
	for _, arg := range args {
		format, file, _ := strings.Cut(arg, "=")
		if known[format] == nil {
			return nil, &usageError{
				msg: fmt.Sprintf("invalid report format %q", format), hint: "json, junit, markdown or github, each with an optional =FILE",
			}
		}
		list = append(list, reportTo{format, file})
	}
	return list, nil
}

// writeReport writes one report. A file is replaced as a whole.
func (a *App) writeReport(r reportTo, v verification) error {
	var b bytes.Buffer
	err := reportFormats()[r.format](&b, v)
	switch {
	case err != nil:
	case r.toStdout():
		_, err = a.Out.Write(b.Bytes())
	default:
		err = atomicfile.Write(a.path(r.file), b.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the %s report: %w", r.format, err)
	}
	return nil
}
