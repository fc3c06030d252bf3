package process

import "fmt"

// Ancestors gives the ids of the processes above a process, its parent first.
// Where the system tells of no more the list ends.
func Ancestors(pid int) ([]int, error) {
	var list []int
	for pid > 1 {
		parent, err := parentOf(pid)
		if err != nil {
			return nil, fmt.Errorf("looking for the parent of process %d: %w", pid, err)
		}
		if parent < 1 {
			break
		}
		list = append(list, parent)
		pid = parent
	}
	return list, nil
}
