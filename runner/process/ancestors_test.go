package process

import (
	"os"
	"runtime"
	"slices"
	"testing"
)

func TestAncestors(t *testing.T) {
	t.Parallel()
	got, err := Ancestors(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || got[0] != os.Getppid() {
		t.Errorf("Ancestors: %v, want %d first", got, os.Getppid())
	}
	if slices.Contains(got, os.Getpid()) {
		t.Errorf("Ancestors: %v holds the process itself", got)
	}
	if runtime.GOOS == "linux" && !slices.Contains(Started(os.Getpid()), "PATH="+os.Getenv("PATH")) {
		t.Error("Started does not show this process's PATH")
	}
	gone := 1 << 30 // above any pid_max
	if got, err := Ancestors(gone); err != nil || len(got) != 0 {
		t.Errorf("Ancestors of no process: %v, %v", got, err)
	}
	if env := Started(gone); env != nil {
		t.Errorf("Started of no process: %v", env)
	}
}
