package bench

import (
	"os"
	"testing"
	"time"

	"chant/runner/process"
	"chant/runner/sandbox"
)

// BenchmarkSandbox measures what it costs to start a program in a sandbox: "ms/start" is the
// time that it takes longer than without. Preparing a sandbox is a part of it.
func BenchmarkSandbox(b *testing.B) {
	if _, without := sandbox.Gaps(); without {
		b.Skip("this system has no Landlock")
	}
	dir := b.TempDir()
	f := &fixture{b: b, dir: dir, env: os.Environ()}
	f.run(".", "go", "build", "-buildvcs=false", "-o", dir+"/", "chant")
	processes, err := process.New(time.Now)
	f.check(err)
	command := process.Command{Argv: []string{"true"}, Dir: dir, Env: os.Environ()}
	var with, without time.Duration
	for b.Loop() {
		begun := time.Now()
		f.check(processes.Run(b.Context(), command).Err)
		between := time.Now()
		box, err := sandbox.Open(processes, sandbox.Options{
			Self: dir + "/chant", Env: os.Environ(), Project: "/nowhere", Folder: b.TempDir(), Caches: dir + "/caches",
		})
		f.check(err)
		if res := box.Run(b.Context(), command); res.Err != nil || res.Exit != 0 {
			b.Fatalf("result %+v", res)
		}
		without, with = without+between.Sub(begun), with+time.Since(between)
	}
	b.ReportMetric(ms(with-without)/float64(b.N), "ms/start")
}
