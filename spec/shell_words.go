package spec

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// substitutions warns of commands whose output is an argument.
func (l *shellLinter) substitutions(nodes ...syntax.Node) {
	for _, n := range nodes {
		l.substituted(n, "assign the output to a variable before, on a line of its own", "a command in an argument does not end the script")
	}
}

// substituted warns of the substitutions in a node.
func (l *shellLinter) substituted(node syntax.Node, hint, why string) {
	if w, ok := node.(*syntax.Word); node == nil || ok && w == nil {
		return
	}
	syntax.Walk(node, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			if len(n.Stmts) > 0 && !(len(n.Stmts) == 1 && succeeds(n.Stmts[0])) {
				l.unnoticed(n, hint, why)
			}
			return false
		case *syntax.ProcSubst:
			l.unnoticed(n, "use a file instead", why)
			return false
		}
		return true
	})
}

// succeeds reports whether a command always succeeds, or hides that another failed.
func succeeds(st *syntax.Stmt) bool {
	if st.Negated || len(st.Redirs) > 0 && st.Cmd == nil {
		return false
	}
	switch c := st.Cmd.(type) {
	case *syntax.Block:
		return len(c.Stmts) > 0 && succeeds(c.Stmts[len(c.Stmts)-1])
	case *syntax.CallExpr:
		args := arguments(c)
		switch {
		case len(args) == 0:
			return false
		case args[0] == "exit" || args[0] == "return":
			return len(args) > 1 && args[1] == "0"
		}
		return slices.Contains([]string{"true", ":", "echo", "printf", "pwd", "basename", "dirname", "date", "continue", "break"}, args[0])
	}
	return false
}

// canFail reports whether an if clause can fail whatever its condition says: it has
// an else, or a branch ends the script.
func canFail(c *syntax.IfClause) bool {
	ends := false
	for ; c != nil && !ends; c = c.Else {
		ends = len(c.Cond) == 0 // an else
		for _, st := range c.Then {
			syntax.Walk(st, func(n syntax.Node) bool {
				call, ok := n.(*syntax.CallExpr)
				ends = ends || ok && len(call.Args) > 0 && slices.Contains([]string{"exit", "return", "false"}, call.Args[0].Lit())
				return !ends
			})
		}
	}
	return ends
}
