package process

import "fmt"

// Ancestors returns the ids of the ancestors of a process, its parent first. The list
// ends at the first process whose parent the system does not show.
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
