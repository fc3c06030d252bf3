package git

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// newTree writes a tree with contents put in, and returns it; "" is the tree
// without entries. A content without a mode removes what is at its path, unless
// that is a folder. Only the folders on the way to a content are written anew.
// prefix is the path of the tree itself, "" or with a slash at its end.
func (r *Repo) newTree(base Hash, prefix string, contents []Content) (Hash, error) {
	old, err := r.tree(base)
	if err != nil {
		return "", err
	}
	entries := make(map[string]Content, len(old))
	for _, e := range old {
		entries[e.Path] = e
	}
	groups := make(map[string][]Content)
	for _, c := range contents {
		name, _, _ := strings.Cut(c.Path[len(prefix):], "/")
		groups[name] = append(groups[name], c)
	}
	for name, group := range groups {
		e, err := r.newEntry(entries[name], prefix+name, group)
		if err != nil {
			return "", err
		}
		delete(entries, name)
		if e.Mode != "" {
			entries[name] = Content{Path: name, Mode: e.Mode, Hash: e.Hash}
		}
	}
	if len(entries) == 0 {
		return "", nil
	}
	list := make([]Content, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Content) int { return strings.Compare(sortName(a), sortName(b)) })
	if slices.Equal(list, old) {
		return base, nil
	}
	var data bytes.Buffer
	for _, e := range list {
		id := e.Hash.plumb()
		data.WriteString(e.Mode + " " + e.Path + "\x00" + string(id[:]))
	}
	return r.write(plumbing.TreeObject, data.Bytes())
}

// sortName is what git sorts the entries of a tree by.
func sortName(e Content) string {
	if e.Mode == modeFolder {
		return e.Path + "/"
	}
	return e.Path
}

// newEntry returns what is at one name once the contents are put in: that at the
// name itself and those below it. Deletions come before additions, so a file
// can replace a folder and the reverse.
func (r *Repo) newEntry(old Content, name string, contents []Content) (Content, error) {
	var own *Content
	var inside []Content
	adds := false
	for i, c := range contents {
		if c.Path == name {
			own = &contents[i]
		} else {
			inside = append(inside, c)
			adds = adds || c.Mode != ""
		}
	}
	switch {
	case old.Mode == modeSubmodule && len(inside) > 0 && (own == nil || own.Mode != ""):
		return old, &PathError{Path: inside[0].Path, Reason: name + " is a submodule (commit there)"}
	case own != nil && own.Mode != "" && adds:
		return old, &PathError{Path: name, Reason: "it is both a file and a folder (it changed meanwhile; try again)"}
	case own != nil && own.Mode != "":
		return *own, nil
	case old.Mode == modeFolder:
	case adds:
		old = Content{}
	case own != nil:
		return Content{}, nil
	default:
		return old, nil
	}
	tree, err := r.newTree(old.Hash, name+"/", inside)
	if err != nil || tree == "" {
		return Content{}, err
	}
	return Content{Mode: modeFolder, Hash: tree}, nil
}
