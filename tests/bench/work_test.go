package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"chant/runner/git"
)

// do does our side of an operation, in a process of its own.
func do(work []string) (err error) {
	ctx := context.Background()
	repo, err := git.Open(work[1], os.Environ())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	head, err := repo.Head()
	if err != nil {
		return err
	}
	switch work[0] {
	case "commit":
		_, err := repo.Commit(ctx, git.CommitRequest{Paths: work[2:], Message: "m"})
		return err
	case "export":
		return repo.Export(ctx, head.Commit, work[2])
	case "show":
		back, err := strconv.Atoi(work[2])
		if err != nil {
			return err
		}
		return show(repo, head.Commit, back, work[3])
	case "log":
		for c, err := range repo.PathLog(ctx, head.Commit, work[2]) {
			if err != nil {
				return err
			}
			fmt.Println(c.Hash)
		}
		return nil
	default:
		return fmt.Errorf("no such work: %q", work[0])
	}
}

// show prints a file as it was some commits ago.
func show(repo *git.Repo, from git.Hash, back int, name string) error {
	for c, err := range repo.FirstParents(from) {
		if err != nil {
			return err
		}
		if back--; back >= 0 {
			continue
		}
		data, err := repo.ReadFile(c.Hash, name)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(data)
		return err
	}
	return fmt.Errorf("the history is %d commits too short", back)
}
