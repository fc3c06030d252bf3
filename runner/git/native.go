package git

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	gitconfig "chant/runner/git/config"
)

// commitNative makes the commit by this package alone. All that takes time,
// a signature most of all, comes before any lock; what was read then is
// compared with what is there once the locks are held.
func (r *Repo) commitNative(ctx context.Context, s *session) (Hash, error) {
	set, err := settingsOf(s.config)
	if err != nil {
		return "", err
	}
	if s.index.err != nil {
		return "", s.index.err
	}
	for _, lock := range []string{s.index.path + lockSuffix, r.refLock(s.head.Ref)} {
		if exists(lock) {
			return "", &LockedError{Path: lock, Err: errLocked}
		}
	}
	t := &transaction{repo: r, session: s, settings: set, looked: r.now()}
	d := &draft{repo: r, seen: make(map[plumbing.Hash][]object.TreeEntry)}
	if t.files, err = r.snapshot(ctx, s, d); err != nil {
		return "", err
	}
	tree, err := d.root(s.base(), t.files)
	if err != nil {
		return "", err
	}
	content := s.content(tree)
	signature, err := r.sign(ctx, s, content)
	if err != nil {
		return "", err
	}
	next := d.add(plumbing.CommitObject, withSignature(content, signature))
	if err := ctx.Err(); err != nil {
		return "", err
	}
	t.next, t.objects = hashOf(next), d.objects
	if err := t.run(); err != nil {
		return "", err
	}
	return t.next, nil
}

// base gives the tree that the commit changes; the zero hash for a first one.
func (s *session) base() plumbing.Hash {
	if s.parent == nil {
		return plumbing.ZeroHash
	}
	return s.parent.TreeHash
}

// content gives the commit object, unsigned.
func (s *session) content(tree plumbing.Hash) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", tree)
	if s.parent != nil {
		fmt.Fprintf(&b, "parent %s\n", s.parent.Hash)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", identLine(s.ids.author), identLine(s.ids.committer), s.message)
	return []byte(b.String())
}

// identLine gives an identity as objects and reflogs hold it.
func identLine(id object.Signature) string {
	return fmt.Sprintf("%s <%s> %d %s", id.Name, id.Email, id.When.Unix(), id.When.Format("-0700"))
}

// withSignature puts a signature at the end of a commit's header, where git
// does, each further line of it indented by a blank. "" is none.
func withSignature(content []byte, signature string) []byte {
	signature = strings.TrimRight(signature, "\n")
	if signature == "" {
		return content
	}
	header, message, _ := strings.Cut(string(content), "\n\n")
	return []byte(header + "\ngpgsig " + strings.ReplaceAll(signature, "\n", "\n ") + "\n\n" + message)
}

// settings is what the configuration says on writing into the git folder.
type settings struct {
	sharing
	durability
	reflogs
}

func settingsOf(c gitconfig.Config) (set settings, err error) {
	shared, isSet := c.Get("core.sharedRepository")
	if isSet && shared == "" {
		shared = "true" // a name without a value
	}
	if set.sharing, err = parseSharing(shared); err != nil {
		return set, err
	}
	components, _ := c.Get("core.fsync")
	method, _ := c.Get("core.fsyncMethod")
	objectFiles, err := c.Bool("core.fsyncObjectFiles", true)
	if err != nil {
		return set, err
	}
	set.durability = parseDurability(components, method, objectFiles)
	if v, _ := c.Get("core.logAllRefUpdates"); strings.EqualFold(v, "always") {
		set.reflogs = reflogsAlways
		return set, nil
	}
	on, err := c.Bool("core.logAllRefUpdates", true)
	if !on {
		set.reflogs = reflogsOff
	}
	return set, err
}
