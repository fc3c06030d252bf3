package spec

import (
	"errors"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// scriptLimit is the most bytes of a script that are examined: the parser takes
// memory for each level of nesting.
const scriptLimit = 16 << 10

// lintShell warns of commands of a spec's shell checks whose failure the check would
// not notice. A check in sh runs with -e, one in bash with -e and pipefail; both leave
// many failures out.
func lintShell(s *Spec) Problems {
	seen := map[*Check]bool{nil: true}
	var problems Problems
	for _, criterion := range s.Criteria {
		c := criterion.Check
		if seen[c] || c.Lang != "sh" && c.Lang != "bash" {
			continue
		}
		seen[c] = true
		l := &shellLinter{reporter: s.reporter(), check: c, functions: map[string]bool{}}
		l.script()
		problems = append(problems, l.sorted()...)
	}
	return problems
}

type shellLinter struct {
	reporter
	check     *Check
	pipefail  bool
	inherits  bool            // command substitutions inherit -e
	functions map[string]bool // whether a function has several commands
	jobs      []*syntax.Stmt  // background jobs
	waits     int             // waits for one job
}

// context says what becomes of a command's status.
type context struct {
	last    bool // it is the status of the script, of a subshell or of a function
	ignored bool // -e is off: in a condition, and before && and ||
}

func (l *shellLinter) script() {
	script := l.check.Script
	if len(script) > scriptLimit {
		l.warn(l.check.Pos, "long-script", "put it into a file of its own",
			"the script is too long to be examined (more than %d KiB)", scriptLimit>>10)
		return
	}
	file, err := parseShell(script, l.check.Lang)
	if e, ok := errors.AsType[syntax.ParseError](err); ok {
		l.warn(l.pos(e.Pos), "shell-syntax", "", "%s can't read the script: %s", l.check.Lang, e.Text)
	}
	if err != nil {
		return
	}
	l.pipefail, l.inherits = l.check.Lang == "bash", l.check.Lang == "sh"
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			if n.Name != nil { // zsh has functions without one
				block, ok := n.Body.Cmd.(*syntax.Block)
				l.functions[n.Name.Value] = ok && len(block.Stmts) > 1
			}
		case *syntax.CallExpr:
			l.options(arguments(n))
		}
		return true
	})
	l.stmts(file.Stmts, context{last: true})
	if len(l.jobs) > l.waits {
		l.unnoticed(l.jobs[0], "end with wait $!", "nothing waits for a command in the background")
	}
}

// parseShell parses a script. Where sh is bash, it also reads what only bash knows.
func parseShell(script, lang string) (*syntax.File, error) {
	if lang == "sh" {
		file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(script), "")
		if err == nil {
			return file, nil
		}
	}
	return syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
}

// options reads the commands that hold for the whole script.
func (l *shellLinter) options(args []string) {
	switch {
	case len(args) == 0:
	case args[0] == "set" && slices.Contains(args, "pipefail") && !slices.Contains(args, "+o"):
		l.pipefail = true
	case args[0] == "shopt" && slices.Contains(args, "inherit_errexit"):
		l.inherits = true
	case args[0] == "wait" && len(args) == 2:
		l.waits++
	}
}

// arguments returns the words of a command; "" for one that is not literal.
func arguments(call *syntax.CallExpr) []string {
	args := make([]string, len(call.Args))
	for i, w := range call.Args {
		args[i] = w.Lit()
	}
	return args
}

// pos returns a position in the file. The script is indented like its fence.
func (l *shellLinter) pos(p syntax.Pos) Pos {
	before := l.check.Script[:min(int(p.Offset()), len(l.check.Script))]
	return Pos{
		Line:   l.check.Pos.Line + 1 + strings.Count(before, "\n"),
		Column: l.check.Pos.Column + utf8.RuneCountInString(before[1+strings.LastIndexByte(before, '\n'):]),
	}
}

// unnoticed adds a warning about a part of the script.
func (l *shellLinter) unnoticed(n syntax.Node, hint, why string) {
	script := l.check.Script
	start := min(int(n.Pos().Offset()), len(script))
	text := oneLine(script[start:min(max(start, int(n.End().Offset())), len(script))])
	if r := []rune(text); len(r) > 40 {
		text = string(r[:39]) + "…"
	}
	l.warn(l.pos(n.Pos()), "unnoticed-failure", hint, "a failure of %q goes unnoticed: %s", text, why)
}

func (l *shellLinter) stmts(list []*syntax.Stmt, in context) {
	for i, st := range list {
		final := i == len(list)-1
		if in.ignored && !final && !succeeds(st) {
			l.unnoticed(st, "join the commands by &&", "in a condition, and before && and ||, only the last command counts")
		}
		l.stmt(st, context{in.last && final, in.ignored})
	}
}

func (l *shellLinter) stmt(st *syntax.Stmt, in context) {
	for _, r := range st.Redirs {
		l.substitutions(r.Word, r.Hdoc)
	}
	switch {
	case st.Background || st.Coprocess:
		l.jobs = append(l.jobs, st)
	case st.Negated:
		if !in.last && !in.ignored {
			l.unnoticed(st, "write if …; then exit 1; fi", "the shell goes on after a negated command")
		}
		l.command(st, context{in.last, true})
	default:
		l.command(st, in)
	}
}

func (l *shellLinter) command(st *syntax.Stmt, in context) {
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		l.call(c, in)
	case *syntax.DeclClause:
		for _, a := range c.Args {
			l.substituted(a, "assign the variable before, on a line of its own", c.Variant.Value+" hides it")
		}
	case *syntax.BinaryCmd:
		l.binary(c, in)
	case *syntax.Block:
		l.stmts(c.Stmts, in)
	case *syntax.Subshell:
		l.stmts(c.Stmts, context{true, in.ignored})
	case *syntax.IfClause:
		if in.last && !in.ignored && !canFail(c) {
			l.unnoticed(c.Cond[len(c.Cond)-1], "add else exit 1", "the check passes if the condition does not hold")
		}
		for ; c != nil; c = c.Else {
			l.stmts(c.Cond, context{true, true})
			l.stmts(c.Then, in)
		}
	case *syntax.WhileClause:
		l.stmts(c.Cond, context{true, true})
		l.stmts(c.Do, context{false, in.ignored})
	case *syntax.ForClause:
		l.substitutions(c.Loop)
		l.stmts(c.Do, context{false, in.ignored})
	case *syntax.CaseClause:
		l.substitutions(c.Word)
		for _, item := range c.Items {
			l.stmts(item.Stmts, in)
		}
	case *syntax.FuncDecl:
		l.stmt(c.Body, context{last: true})
	case *syntax.TimeClause:
		if c.Stmt != nil {
			l.stmt(c.Stmt, in)
		}
	case *syntax.CoprocClause:
		l.jobs = append(l.jobs, st)
	case *syntax.TestClause:
		l.substitutions(c.X)
	}
}

// binary examines a list with && or ||, or a pipeline.
func (l *shellLinter) binary(c *syntax.BinaryCmd, in context) {
	switch c.Op {
	case syntax.AndStmt:
		if !in.last && !in.ignored {
			l.unnoticed(c.X, "write the commands on lines of their own", "the shell goes on after the first part of a list with &&")
		}
		l.stmt(c.X, context{in.last, true})
	case syntax.OrStmt:
		if succeeds(c.Y) {
			l.unnoticed(c.X, "leave out what follows ||", "what follows || succeeds")
		}
		l.stmt(c.X, context{in.last, true})
	case syntax.Pipe, syntax.PipeAll:
		// Of "a | b | c", X is "a | b". All but the last command of X is reported there.
		left := c.X
		if b, ok := left.Cmd.(*syntax.BinaryCmd); ok && b.Op >= syntax.Pipe {
			left = b.Y
		}
		if !l.pipefail && !succeeds(left) {
			l.unnoticed(left, "use bash instead of sh, or a file between the commands", "only the last command of a pipeline counts")
		}
		l.stmt(c.X, context{true, in.ignored})
	}
	l.stmt(c.Y, in)
}

// call examines a simple command.
func (l *shellLinter) call(c *syntax.CallExpr, in context) {
	l.assignments(c)
	for _, w := range c.Args {
		l.substitutions(w)
	}
	args := arguments(c)
	if len(args) == 0 {
		return
	}
	switch args[0] {
	case "set":
		if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "+") && strings.Contains(a, "e") }) ||
			slices.Contains(args, "+o") && (slices.Contains(args, "errexit") || slices.Contains(args, "pipefail")) {
			l.unnoticed(c, "leave it out", "the shell goes on after what fails below")
		}
	case "trap":
		if len(args) > 2 && (slices.Contains(args[2:], "EXIT") || slices.Contains(args[2:], "0")) && l.changesStatus(c.Args[1]) {
			l.unnoticed(c, "don't exit in it", "the trap can replace the status of the script")
		}
	case "find":
		if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-exec") }) && slices.Contains(args, `\;`) {
			l.unnoticed(c, "end -exec with +", `find ignores what fails in -exec … \;`)
		}
	}
	if in.ignored && l.functions[args[0]] {
		l.unnoticed(c, "call it on a line of its own", "in a condition, and before && and ||, only the last command of a function counts")
	}
	for i := range len(args) - 2 {
		shell, flags := path.Base(args[i]), args[i+1]
		if slices.Contains([]string{"sh", "bash", "dash", "ksh", "zsh"}, shell) && strings.HasPrefix(flags, "-") &&
			strings.Contains(flags, "c") && !strings.Contains(flags, "e") {
			l.inner(c.Args[i+2], shell)
		}
	}
}

// assignments examines the assignments of a simple command. Only the last command
// in assignments without a command counts.
func (l *shellLinter) assignments(c *syntax.CallExpr) {
	var found []*syntax.CmdSubst
	for _, a := range c.Assigns {
		if len(c.Args) > 0 {
			l.substituted(a, "assign the variable before, on a line of its own", "the command after the assignment hides it")
			continue
		}
		syntax.Walk(a, func(n syntax.Node) bool {
			subst, ok := n.(*syntax.CmdSubst)
			if ok {
				found = append(found, subst)
			}
			return !ok
		})
	}
	for i, subst := range found {
		if i < len(found)-1 {
			l.unnoticed(subst, "write one assignment a line", "of several commands in an assignment only the last one counts")
		}
		l.stmts(subst.Stmts, context{true, !l.inherits})
	}
}

// inner examines the script that a command passes to another shell, without -e.
func (l *shellLinter) inner(w *syntax.Word, shell string) {
	if file, err := parseShell(literal(w), shell); err == nil && len(file.Stmts) > 1 {
		l.unnoticed(w, "write "+shell+" -ec", "only the last command of "+shell+" -c counts")
	}
}

// literal returns the text of a word that is in quotes, as far as it is literal.
func literal(w *syntax.Word) string {
	var text strings.Builder
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Lit:
			text.WriteString(n.Value)
		case *syntax.SglQuoted:
			text.WriteString(n.Value)
		}
		return true
	})
	return text.String()
}

// changesStatus reports whether the action of a trap may end the script with a status
// of its own. Without exit, the script keeps the one that it had.
func (l *shellLinter) changesStatus(action *syntax.Word) bool {
	file, err := parseShell(literal(action), "bash")
	changes := err != nil
	syntax.Walk(action, func(n syntax.Node) bool {
		_, variable := n.(*syntax.ParamExp)
		changes = changes || variable && len(action.Parts) == 1 && literal(action) == ""
		return true
	})
	if err == nil {
		syntax.Walk(file, func(n syntax.Node) bool {
			if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
				name := call.Args[0].Lit()
				_, function := l.functions[name]
				changes = changes || function || slices.Contains([]string{"exit", "return", "exec", "eval", "."}, name)
			}
			return true
		})
	}
	return changes
}
