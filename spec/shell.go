package spec

func lintShell(s *Spec) Problems { return nil }
