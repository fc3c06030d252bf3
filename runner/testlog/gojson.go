package testlog

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// goEvent is a line of go test -json (go doc test2json). The library that reads them,
// gotestsum's testjson, brings colours and a terminal with it.
type goEvent struct {
	Action, Package, Test, Output, FailedBuild string
}

func goJSON() func() listener {
	return func() listener { return &goEvents{packages: map[string]*goPackage{}} }
}

// goEvents reads go test -json. All lines that are not JSON are of somebody else.
type goEvents struct {
	packages map[string]*goPackage // of the current report
}

// goPackage is the state of one package.
type goPackage struct {
	events  []Event
	running map[string]bool
	begun   bool // a test has begun
	failed  bool // a test has failed
	cached  bool
	ended   bool
}

func (g *goEvents) line(text string, d *draft) {
	if !strings.HasPrefix(text, "{") || !strings.Contains(text, `"Action":"`) || !strings.Contains(text, `"Package":"`) {
		return
	}
	var e goEvent
	if json.Unmarshal([]byte(text), &e) != nil || e.Package == "" {
		return
	}
	p := g.packages[e.Package]
	if p == nil || p.ended && e.Action == "start" {
		if p != nil {
			d.now().Ended = true
			d.next()
			clear(g.packages)
		}
		p = &goPackage{running: map[string]bool{}}
		g.packages[e.Package] = p
	}
	if s := d.now(); !s.sure {
		s.begun, s.sure, s.begin = true, true, d.n
	}
	if e.Test != "" {
		p.test(e)
		return
	}
	p.event(e, d)
	if p.ended && g.allEnded() {
		d.ended("")
	} else {
		d.now().Ended = false
	}
}

func (g *goEvents) allEnded() bool {
	for _, p := range g.packages {
		if !p.ended {
			return false
		}
	}
	return true
}

// test reads an event of a test.
func (p *goPackage) test(e goEvent) {
	name := e.Package + "." + e.Test
	switch e.Action {
	case "run":
		p.running[name], p.begun = true, true
		return
	case "pass":
		p.events = append(p.events, Event{name, Passed})
	case "fail":
		p.events, p.failed = append(p.events, Event{name, Failed}), true
	case "skip":
		p.events = append(p.events, Event{name, Skipped})
	default:
		return
	}
	delete(p.running, name)
}

// event reads an event of the package. Its last output is the line that go test prints
// without -json.
func (p *goPackage) event(e goEvent, d *draft) {
	switch e.Action {
	case "output":
		line := strings.TrimSuffix(e.Output, "\n")
		if strings.HasPrefix(line, "ok  \t"+e.Package+"\t(cached)") {
			p.cached = true
		}
		if strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t") || strings.HasPrefix(line, "FAIL\t") {
			d.now().Line = line
		}
		return
	case "pass", "skip":
		if p.begun && !p.cached && len(p.events) == 0 {
			d.count(Passed, 1) // a benchmark
		}
	case "fail":
		for _, name := range slices.Sorted(maps.Keys(p.running)) {
			p.events, p.failed = append(p.events, Event{name, Failed}), true
		}
		switch {
		case e.FailedBuild != "" || !p.begun:
			d.broken(d.now().Line)
		case !p.failed:
			d.count(Failed, 1)
		}
	default:
		return
	}
	p.ended = true
	if !p.cached { // else the events are those of an earlier run
		p.note(d)
	}
}

func (p *goPackage) note(d *draft) {
	for _, e := range p.events {
		d.event(e.Test, e.Result)
	}
}

// close notes what was running when the output ended.
func (g *goEvents) close(d *draft) {
	for _, name := range slices.Sorted(maps.Keys(g.packages)) {
		if p := g.packages[name]; !p.ended {
			p.note(d)
			d.now().Running = append(d.now().Running, slices.Sorted(maps.Keys(p.running))...)
		}
	}
}
