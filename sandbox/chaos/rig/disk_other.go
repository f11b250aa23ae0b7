//go:build !linux

package rig

import "errors"

type disk struct{ dir string }

func newDisk(string) (*disk, error) {
	return nil, errors.New("make a small disk: the rig does not support this system")
}

func (d *disk) fill(bool) error { return nil }
func (d *disk) remove()         {}
