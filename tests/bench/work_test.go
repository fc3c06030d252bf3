package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"chant/runner/checkout"
	"chant/runner/git"
	"chant/runner/process"
)

// work does a part of chant's work: "commit REPO PATH" or "checkout REPO FOLDER". The folder
// is empty.
func work(args []string) (err error) {
	ctx := context.Background()
	repo, err := git.Open(args[1], os.Environ())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	switch args[0] {
	case "commit":
		_, err := repo.Commit(ctx, git.CommitRequest{Paths: args[2:], Message: "m"})
		return err
	case "checkout":
		return checkOut(ctx, repo, args[2])
	}
	return fmt.Errorf("unknown work %q", args[0])
}

// checkOut makes a checkout of HEAD below a folder, and leaves it there.
func checkOut(ctx context.Context, repo *git.Repo, dir string) error {
	head, err := repo.Head()
	if err != nil {
		return err
	}
	processes, err := process.New(time.Now)
	if err != nil {
		return err
	}
	source, err := checkout.Open(ctx, repo, checkout.Options{Temp: dir, Limit: 1, Env: os.Environ(), Processes: processes})
	if err != nil {
		return err
	}
	_, err = source.Commit(ctx, head.Commit)
	return err
}
