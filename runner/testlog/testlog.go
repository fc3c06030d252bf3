// Package testlog reads what test runners say about their tests.
package testlog

// Reader reads the output of one test runner. It can only reject a result, because anybody
// can print such output: the exit code comes from the process itself.
type Reader struct {
	Runner string // its name
	listen func() listener
}

// Readers is a list of readers. They were compiled from patterns once, for any number of outputs.
type Readers []Reader

// NewReaders returns the readers of the common test runners. Each was written from the output of
// the versions that its comment names; testdata has that output.
func NewReaders() Readers {
	return Readers{
		{"go test", goTest()},
		{"go test -json", goJSON()},
		{"gotestsum", gotestsum()},
		{"pytest", pytest()},
		{"unittest", unittest()},
		{"cargo test", cargoTest()},
		{"nextest", nextest()},
		{"TAP", tap()}, // also node --test, bats, mocha -R tap
		{"node --test", nodeTest()},
		{"jest", jest()},
		{"vitest", vitest()},
		{"mocha", mocha()},
		{"bun test", bun()},
		{"bats", batsPretty()},
		{"rspec", rspec()},
		{"minitest", minitest()},
		{"phpunit", phpunit()},
		{"ctest", ctest()},
		{"gtest", googleTest()},
		{"surefire", surefire()},
		{"gradle", gradle()},
		{"dotnet test", dotnetTest()},
		{"mix test", mixTest()},
	}
}
