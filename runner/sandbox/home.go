package sandbox

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chant/runner/process"
)

// linkHome fills a HOME with links to what is in the user's, so that programs find their
// files and may make new ones, which are lost. A folder that one of the open folders is
// below becomes a folder of links itself.
func linkHome(user, home string, open []string) error {
	entries, err := os.ReadDir(user)
	if errors.Is(err, fs.ErrNotExist) || user == "" {
		return nil
	}
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(user)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		from, to := filepath.Join(real, entry.Name()), filepath.Join(home, entry.Name())
		onTheWay := slices.ContainsFunc(open, func(dir string) bool { return strings.HasPrefix(dir, from+"/") })
		if !entry.IsDir() || !onTheWay {
			err = os.Symlink(from, to)
		} else if err = os.Mkdir(to, 0o700); err == nil {
			err = linkHome(from, to, open)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// caches returns the variables that make programs keep their caches in dir. Go still gets
// modules that the user has from the user's cache, which it can only read.
func caches(dir, home string, env []string) []string {
	list := []string{"XDG_CACHE_HOME=" + dir}
	for name, sub := range map[string]string{
		"GOCACHE": "go-build", "GOMODCACHE": "go-mod", "npm_config_cache": "npm", "PIP_CACHE_DIR": "pip", "CARGO_HOME": "cargo",
	} {
		list = append(list, name+"="+filepath.Join(dir, sub))
	}
	slices.Sort(list)
	gopath := cmp.Or(process.Getenv(env, "GOPATH"), filepath.Join(home, "go"))
	modules := cmp.Or(process.Getenv(env, "GOMODCACHE"), filepath.Join(filepath.SplitList(gopath)[0], "pkg", "mod"))
	proxy := cmp.Or(process.Getenv(env, "GOPROXY"), "https://proxy.golang.org,direct")
	return append(list, "GOPROXY=file://"+filepath.ToSlash(filepath.Join(modules, "cache", "download"))+","+proxy)
}
