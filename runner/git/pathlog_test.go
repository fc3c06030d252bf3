package git

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// stream is a random history as git fast-import reads it.
func stream(t *rapid.T, paths []string) string {
	var b strings.Builder
	n := rapid.IntRange(1, 25).Draw(t, "commits")
	path := rapid.SampledFrom(paths)
	at := 1700000000
	for i := 1; i <= n; i++ {
		at += rapid.IntRange(-2, 3).Draw(t, "seconds") // clocks are skewed, and many commits have one time
		fmt.Fprintf(&b, "commit refs/heads/b%d\nmark :%d\ncommitter C <c@example.org> %d +0000\ndata 1\nm\n", i, i, at)
		parents := rapid.SliceOfNDistinct(rapid.IntRange(max(1, i-5), max(1, i-1)), 0, min(3, i-1), rapid.ID).Draw(t, "parents")
		if i > 1 && len(parents) == 0 && rapid.IntRange(0, 9).Draw(t, "root") > 0 {
			parents = []int{i - 1}
		}
		for j, p := range parents {
			word := "merge"
			if j == 0 {
				word = "from"
			}
			fmt.Fprintf(&b, "%s :%d\n", word, p)
		}
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			p := path.Draw(t, "path")
			switch rapid.IntRange(0, 4).Draw(t, "change") {
			case 0:
				fmt.Fprintf(&b, "D %s\n", p)
			case 1:
				fmt.Fprintf(&b, "M 755 inline %s\ndata 1\n%d\n", p, rapid.IntRange(0, 2).Draw(t, "content"))
			default:
				fmt.Fprintf(&b, "M 644 inline %s\ndata 1\n%d\n", p, rapid.IntRange(0, 2).Draw(t, "content"))
			}
		}
	}
	fmt.Fprintf(&b, "reset refs/heads/main\nfrom :%d\n\n", n)
	return b.String()
}

func pathLog(t interface{ Fatal(...any) }, r *Repo, from Hash, name string) []string {
	got := []string{}
	for c, err := range r.PathLog(context.Background(), from, name) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(c.Hash))
	}
	return got
}

// TestPathLogIsGits compares with git log on random histories with merges.
func TestPathLogIsGits(t *testing.T) {
	t.Parallel()
	env := isolatedEnv(t)
	rapid.Check(t, func(rt *rapid.T) {
		c := checkout{tb: t, dir: t.TempDir(), env: env}
		c.git("init", "-q", "--template=", "-b", "main")
		paths := []string{"f", "d/a", "d/b", "d/e/x", "d/e", "d"}
		_, err := c.try(stream(rt, paths), "fast-import", "--quiet")
		must(t, err)
		r, err := Open(c.dir, c.env)
		must(t, err)
		defer r.Close()
		head := c.head()
		for _, p := range rapid.SliceOfNDistinct(rapid.SampledFrom(append(paths, "no", ".")), 3, 4, rapid.ID).Draw(rt, "asked") {
			want := strings.Fields(c.git("log", "--format=%H", "main", "--", p))
			if diff := cmp.Diff(want, pathLog(rt, r, head, p)); diff != "" {
				rt.Errorf("%s (-git +ours):\n%s\n%s", p, diff, c.git("log", "--graph", "--all", "--format=%h %ct", "--name-status", "-m"))
			}
		}
	})
}

func TestPathLogShallow(t *testing.T) {
	t.Parallel()
	origin := newCheckout(t)
	for i := range 6 {
		origin.write("f", fmt.Sprint(i/2))
		origin.write("g", fmt.Sprint(i))
		origin.commitAll(fmt.Sprint(i))
	}
	c := checkout{tb: t, dir: t.TempDir() + "/clone", env: origin.env}
	origin.git("clone", "-q", "--depth=3", "file://"+origin.dir, c.dir)
	r := c.open()
	for name, want := range map[string][]string{"f": {"4"}, "g": {"5", "4"}, "no": nil} {
		var subjects []string
		var last error
		for commit, err := range r.PathLog(t.Context(), c.head(), name) {
			if last = err; err == nil {
				subjects = append(subjects, commit.Subject)
			}
		}
		if !slices.Equal(subjects, want) || !errors.Is(last, ErrShallow) {
			t.Errorf("%s: %q, then %v; want %q and ErrShallow", name, subjects, last, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range r.PathLog(ctx, c.head(), "f") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("PathLog = %v, want context.Canceled", err)
		}
	}
	for range r.PathLog(t.Context(), c.head(), "g") {
		break
	}
}
