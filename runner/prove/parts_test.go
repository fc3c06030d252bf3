package prove

import "testing"

func TestPartDiffers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, before, after string
		want                bool
	}{
		{"go.mod", "module m\nrequire a.b/c v1.0.0\n", "module m\nrequire a.b/c v1.1.0\n", false},
		{"go.mod", "module m\ngo 1.21\n", "module m\n\n\tgo   1.22 // newer\n", false},
		{"go.mod", "module m\n", "module m\nreplace a.b/c => ./fake\n", true},
		{"go.mod", "module m\n", "module m\r\nreplace(\r\n\ta.b/c => ./fake\r\n)\r\n", true},
		{"go.mod", "module m\nreplace (\n\ta.b/c => b.c/d v1.0.0\n)\n", "module m\nreplace (\n\ta.b/c => c.d/e v1.0.0\n)\n", true},
		{"go.mod", "module m\n", "module m\ntoolchain go1.26.1\n", true},
		{"go.mod", "module m\n", "module m\ntool a.b/c\n", true},
		{"go.mod", "module m\n", "module m\nwhat is this\n", true},
		{"go.work", "go 1.21\n", "go 1.21\nuse ./fake\n", true},
		{"go.work", "go 1.21\nuse ./a\n", "go 1.22\n\nuse (\n\t./a\n)\n", false},

		{"package.json", `{"version":"1","scripts":{"test":"jest"}}`, `{ "scripts": {"test" : "jest"}, "version": "2" }`, false},
		{"package.json", `{"dependencies":{"a":"1"}}`, `{"dependencies":{"a":"2","b":"^3.0.0"}}`, false},
		{"package.json", `{"devDependencies":{"chai":"4"}}`, `{"devDependencies":{"chai":"file:./fake"}}`, true},
		{"package.json", `{"devDependencies":{"chai":"4"}}`, `{"devDependencies":{"chai":"npm:fake@1"}}`, true},
		{"package.json", `{"scripts":{"test":"jest"}}`, `{"scripts":{"test":"true"}}`, true},
		{"package.json", `{}`, `{"jest":{"setupFiles":["./x"]}}`, true},
		{"package.json", `{}`, `{"imports":{"#calc":"./fake.js"}}`, true},
		{"package.json", `{"scripts":{}}`, `{`, true},
		{"package.json", "", `{"name":"x"}`, false},

		{"pyproject.toml", "[project]\nname='a'\n[tool.pytest.ini_options]\nx=1\n", "[project]\nname='b'\n[tool.pytest.ini_options]\nx=1\n", false},
		{"pyproject.toml", "[project]\nversion='1'\n", "[project]\r\nversion='2'\r\n\r\n[tool.pytest.ini_options]\r\naddopts='-p x'\r\n", true},
		{"pyproject.toml", "", "[ tool . pytest . ini_options ] # why\naddopts = '-p x'\n", true},
		{"pyproject.toml", "", "tool.pytest.ini_options.addopts = '-p x'\n", true},
		{"pyproject.toml", "", "[tool]\n\"pytest\".'ini_options' = { addopts = '-p x' }\n", true},
		{"pyproject.toml", "", "[project.entry-points.pytest11]\nx = 'lib.plug'\n", true},
		{"pyproject.toml", "[tool.poe.tasks]\ntest='pytest'\n", "[tool.poe.tasks]\ntest='true'\n", true},
		{"pyproject.toml", "[tool.pytest.ini_options]\nx=1\n", "[tool.pytest.ini_options]\nx=1\n\naddopts='-k nothing'\n", true},
		{"pyproject.toml", "[tool.black]\nx=1\n", "[tool.ruff]\nx=1\n", false},
		{"pyproject.toml", "[project]\ndependencies=['a']\n", "[project]\ndependencies=['a>2','b']\n", false},
		{"pyproject.toml", "[project.optional-dependencies]\ntest=['pytest']\n",
			"[project.optional-dependencies]\ntest=['pytest @ file:///fake']\n", true},
		{"pyproject.toml", "", "[project\n", true},

		{"setup.cfg", "[metadata]\nversion = 1.0\n", "[metadata]\r\nversion = 1.1\r\n", false},
		{"setup.cfg", "[metadata]\nx = 1\n[tool:pytest]\na = 1\n", "[metadata]\nx = 2\n\n[tool:pytest]\na = 1\n", false},
		{"setup.cfg", "[metadata]\nx = 1\n", "[metadata]\nx = 1\n[tool:pytest]\naddopts =\n  -p\n  lib.plug\n", true},
		{"setup.cfg", "[tool:pytest]\naddopts =\n  -q\n", "[tool:pytest]\naddopts =\n  -q\n  -p lib.plug\n", true},
		{"setup.cfg", "[metadata]\nx = 1\n", "[metadata]\nx = 1\r[tool:pytest]\raddopts = -p lib.plug\n", true},
		{"setup.cfg", "[metadata]\nx = 1\n", "[metadata]\nx = 1\u2028[tool:pytest]\u2028addopts = -p lib.plug\n", true},
		{"setup.cfg", "[metadata]\nx = 1\n", "[metadata]\nx = \"\"\"\n[tool:pytest]\naddopts = -p lib.plug\ny = \"\"\"\n", true},
		{"setup.cfg", "[metadata]\nx = 1\n", "[metadata]\nx = 1 \\\n[tool:pytest]\naddopts = -p lib.plug\n", true},
		{"setup.cfg", "[aliases]\n", "[aliases]\ntest = true\n", true},
		{"tox.ini", "[flake8]\nx = 1\n", "[flake8]\nx = 2\n", false},
		{"tox.ini", "[testenv]\ncommands = pytest\n", "[testenv]\ncommands = true\n", true},
		{"tox.ini", "", "[pytest]\naddopts = -p lib.plug\n", true},

		{"Cargo.toml", "[package]\nversion = '1'\n[dependencies]\na = '1'\n", "[package]\nversion = '2'\n\n[dependencies] # two\na = '2'\n", false},
		{"Cargo.toml", "[target.'cfg(unix)'.dependencies.a]\n", "[target.'cfg(unix)'.dependencies.a]\nversion = '2'\n", false},
		{"Cargo.toml", "[dev-dependencies]\na = '1'\n", "[dev-dependencies]\na = { path = 'fake' }\n", true},
		{"Cargo.toml", "[dependencies]\n", "[dependencies]\n [[test]]\nname = 'lost'\npath = 'src/easy.rs'\n", true},
		{"Cargo.toml", "[package]\n", "lib.path = 'src/fake.rs'\n[package]\n", true},
		{"Cargo.toml", "[package]\n", "[package]\nautotests = false\n", true},
		{"Cargo.toml", "[profile.test]\n", "[profile.test]\ndebug-assertions = false\n", true},
		{"Cargo.toml", "", "[patch.crates-io]\na = { path = 'fake' }\n", true},
	} {
		if got := partDiffers(tt.name, []byte(tt.before), []byte(tt.after)); got != tt.want {
			t.Errorf("%s, %q to %q: got %v, want %v", tt.name, tt.before, tt.after, got, tt.want)
		}
	}
}

// Whoever changes a file in any way that a parser can't read changes what judges.
func FuzzPartDiffers(f *testing.F) {
	names := []string{"go.mod", "go.work", "pyproject.toml", "Cargo.toml", "package.json", "setup.cfg"}
	for i, text := range []string{"module m\n", "go 1.21\n", "[project]\nname='x'\n", "[package]\n", "{}", "[metadata]\nx = 1\n"} {
		f.Add(uint8(i), []byte(text))
	}
	f.Fuzz(func(t *testing.T, n uint8, content []byte) {
		name := names[int(n)%len(names)]
		part, err := judgingPart(name)(content)
		if differs := partDiffers(name, content, content); differs != (err != nil) {
			t.Errorf("%s, %q: differs from itself: %v, error %v, part %v", name, content, differs, err, part)
		}
	})
}
