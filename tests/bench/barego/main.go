// Command barego runs a command again and again and does nothing else:
//
//	barego TIMES PROGRAM [ARG...]
//
// The benchmark of "chant verify" compares with it.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

func main() {
	times, err := strconv.Atoi(os.Args[1])
	for i := 0; i < times && err == nil; i++ {
		err = exec.Command(os.Args[2], os.Args[3:]...).Run() //nolint:forbidigo,noctx // the benchmark needs the bare call
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "barego:", err) //nolint:forbidigo // a program's main
		os.Exit(1)                              //nolint:forbidigo // a program's main
	}
}
