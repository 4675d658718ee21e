package libcontainer

import "fmt"

// undoList is what to take back, newest first, when a later step fails.
type undoList []undoStep

type undoStep struct {
	what string
	do   func() error
}

// add notes that what was done, and how to undo it.
func (u *undoList) add(what string, do func() error) {
	*u = append(*u, undoStep{what, do})
}

// run undoes everything and adds to err what could not be undone.
func (u undoList) run(err error) error {
	for i := len(u) - 1; i >= 0; i-- {
		if e := u[i].do(); e != nil {
			err = fmt.Errorf("%w; afterwards, unable to undo %s: %w", err, u[i].what, e)
		}
	}
	return err
}

// runLast undoes the newest step alone.
func (u *undoList) runLast() error {
	last := (*u)[len(*u)-1]
	*u = (*u)[:len(*u)-1]
	if err := last.do(); err != nil {
		return fmt.Errorf("unable to undo %s: %w", last.what, err)
	}
	return nil
}
