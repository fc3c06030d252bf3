package git

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// KeptFile is a file for Keep.
type KeptFile struct {
	Path    string // slash-separated; in the commit
	Version        // with Hash "" where the object is to be made
	Data    []byte // its content then; of a symlink, where it leads
}

// Keep puts files into the object database and makes a commit of them, without
// parents, under a ref that does not exist yet, such as "refs/chant/x". HEAD, the
// index and the work tree stay as they are. Nothing but the removal of the ref
// lets git forget the content, which is kept as it is given: no filter sees it.
// Git does it, whatever the repository's form.
func (r *Repo) Keep(ctx context.Context, ref, message string, files []KeptFile) (Hash, error) {
	// See git-fast-import(1). Mark 1 is the commit, the others are blobs.
	var blobs, tree bytes.Buffer
	for i, f := range files {
		object := string(f.Hash)
		if object == "" {
			object = fmt.Sprintf(":%d", i+2)
			fmt.Fprintf(&blobs, "blob\nmark %s\n%s", object, fastData(f.Data))
		}
		fmt.Fprintf(&tree, "M %s %s %s\n", f.Mode, object, fastPath(f.Path))
	}
	commit := fmt.Sprintf("commit %s\nmark :1\ncommitter chant <chant> %d +0000\n%s", ref, r.now().Unix(), fastData([]byte(message+"\n")))
	in := blobs.String() + commit + tree.String() + "\nget-mark :1\ndone\n"
	out, err := r.git(ctx, call{args: []string{"fast-import", "--quiet", "--done"}, stdin: strings.NewReader(in)})
	if err != nil {
		return "", fmt.Errorf("keeping files under %s: %w", ref, err)
	}
	return Hash(strings.TrimSpace(string(out))), nil
}

func fastData(content []byte) string { return fmt.Sprintf("data %d\n%s\n", len(content), content) }

// fastPath quotes a path for git fast-import.
func fastPath(p string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(p) + `"`
}

// DropRef removes a ref. That there is none is no error.
func (r *Repo) DropRef(ctx context.Context, ref string) error {
	if _, err := r.git(ctx, call{args: []string{"update-ref", "-d", ref}}); err != nil {
		return fmt.Errorf("removing %s: %w", ref, err)
	}
	return nil
}

// Stage puts versions into the index, by path, without a look at the work tree;
// the zero Version takes a path out of it. Other writers of the index are waited
// for; the error is a LockedError where that takes too long.
func (r *Repo) Stage(ctx context.Context, versions map[string]Version) error {
	head, err := r.Head()
	if err != nil {
		return err
	}
	var in strings.Builder
	for _, p := range slices.Sorted(maps.Keys(versions)) {
		v := versions[p]
		if v == (Version{}) {
			v = Version{Mode: "0", Hash: Hash(strings.Repeat("0", max(len(head.Commit), 40)))}
		}
		fmt.Fprintf(&in, "%s %s\t%s\x00", v.Mode, v.Hash, p)
	}
	err = r.persist(ctx, func() error {
		_, err := r.attempt(ctx, call{args: []string{"update-index", "-z", "--index-info"}, stdin: strings.NewReader(in.String())})
		return err
	})
	if err != nil {
		return fmt.Errorf("staging: %w", err)
	}
	return nil
}
