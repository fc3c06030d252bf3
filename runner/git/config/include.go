package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// include reads the file that e, a setting of file, includes, if any.
func (r *reader) include(e entry, file string) error {
	path, err := r.included(e, file)
	if err != nil {
		return fmt.Errorf("%s: reading %s: %w", source(file), e.key, err)
	}
	outer := r.conditional
	r.conditional = outer || !strings.HasPrefix(e.key, "include.")
	r.depth++
	err = r.readFile(path, false)
	r.depth--
	r.conditional = outer
	return err
}

// source names where settings come from.
func source(file string) string {
	if file == "" {
		return "environment"
	}
	return file
}

// included names the file that e includes; "" where e is another setting, or
// its condition doesn't hold.
func (r *reader) included(e entry, file string) (string, error) {
	section, middle, name := splitKey(e.key)
	switch {
	case name != "path":
		return "", nil
	case section == "include" && middle == ".":
	case section == "includeif" && middle != ".":
		if holds, err := r.holds(middle[1:len(middle)-1], file); err != nil || !holds {
			return "", err
		}
	default:
		return "", nil
	}
	if e.bare {
		return "", errors.New("it has no value")
	}
	path, err := expand(e.value, r.env.home)
	if err != nil || filepath.IsAbs(path) {
		return path, err
	}
	if file == "" {
		return "", fmt.Errorf("%q is relative, but to no file", path)
	}
	return file[:strings.LastIndexByte(file, '/')+1] + path, nil
}

// holds decides a condition. One that no git knows is false.
func (r *reader) holds(condition, file string) (bool, error) {
	kind, pattern, ok := strings.Cut(condition, ":")
	if !ok {
		return false, nil
	}
	switch kind {
	case "gitdir":
		return r.inGitDir(pattern, file, false)
	case "gitdir/i":
		return r.inGitDir(pattern, file, true)
	case "onbranch":
		return r.places.Branch != "" && matchGlob(wholeFolder(pattern), r.places.Branch, false), nil
	case "hasconfig":
		pattern, ok := strings.CutPrefix(pattern, "remote.*.url:")
		if !ok {
			return false, nil
		}
		return r.hasRemoteURL(pattern)
	}
	return false, nil
}

// wholeFolder lets a pattern for a folder match all that is in it.
func wholeFolder(pattern string) string {
	if strings.HasSuffix(pattern, "/") {
		return pattern + "**"
	}
	return pattern
}

// inGitDir tells whether the git folder matches, by its real path or by the
// one through which the user came here. A pattern that is relative to the
// file, where there is none, matches nothing.
func (r *reader) inGitDir(pattern, file string, fold bool) (bool, error) {
	if file == "" && strings.HasPrefix(pattern, "./") {
		return false, nil
	}
	gitDir, err := filepath.EvalSymlinks(r.places.GitDir)
	if err != nil {
		return false, err
	}
	prefix, pattern, err := r.gitDirPattern(pattern, file)
	if err != nil {
		return false, err
	}
	for _, dir := range []string{gitDir, r.apparentGitDir()} {
		if len(dir) < len(prefix) {
			return false, nil
		}
		head, rest := dir[:len(prefix)], dir[len(prefix):]
		if head != prefix && !(fold && lower(head) == lower(prefix)) {
			return false, nil // git doesn't try the other path then
		}
		if matchGlob(pattern, rest, fold) {
			return true, nil
		}
	}
	return false, nil
}

// gitDirPattern completes the pattern of a gitdir condition. The prefix is to
// be matched literally: wildcards in the name of the including file's folder
// have no meaning.
func (r *reader) gitDirPattern(pattern, file string) (prefix, rest string, err error) {
	expanded, err := expand(pattern, r.realHome)
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown || errors.Is(err, errNoHome) {
		expanded = pattern // git takes the tilde for a part of a name then
	} else if err != nil {
		return "", "", err
	}
	pattern = wholeFolder(expanded)
	switch {
	case filepath.IsAbs(pattern):
		return "", pattern, nil
	case !strings.HasPrefix(pattern, "./"):
		return "", wholeFolder("**/" + pattern), nil
	}
	file, err = filepath.EvalSymlinks(r.absolute(file))
	if err != nil {
		return "", "", err
	}
	return filepath.Dir(file) + "/", pattern[len("./"):], nil
}

// realHome gives the home folder without symlinks. One that doesn't exist
// holds no repository, so its name doesn't matter.
func (r *reader) realHome() (string, error) {
	home, err := r.env.home()
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(home)
	if errors.Is(err, fs.ErrNotExist) {
		return home, nil
	}
	return resolved, err
}

// apparentGitDir gives the git folder by the path that the shell has for the
// work tree, in PWD; "" where that isn't the work tree's, and in a linked
// work tree, whose .git is a file.
func (r *reader) apparentGitDir() string {
	top := r.places.WorkTree
	if pwd, _ := r.env.lookup("PWD"); filepath.IsAbs(pwd) && sameFile(pwd, top) {
		top = pwd
	}
	dot := top + "/.git"
	if info, err := os.Stat(dot); err != nil || !info.IsDir() {
		return ""
	}
	return dot
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// hasRemoteURL tells whether the URL of any remote matches.
func (r *reader) hasRemoteURL(pattern string) (bool, error) {
	if r.ahead {
		return true, nil
	}
	if !r.urlsKnown {
		ahead := &reader{places: r.places, env: r.env, ahead: true}
		if err := ahead.readAll(); err != nil {
			return false, err
		}
		for _, e := range ahead.entries {
			if isRemoteURL(e.key) {
				r.urls = append(r.urls, e.value)
			}
		}
		r.urlsKnown = true
	}
	for _, url := range r.urls {
		if matchGlob(pattern, url, false) {
			return true, nil
		}
	}
	return false, nil
}

func isRemoteURL(key string) bool {
	section, middle, name := splitKey(key)
	return section == "remote" && middle != "." && name == "url"
}
