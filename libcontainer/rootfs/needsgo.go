package rootfs

// NeedsGo says what of the plan no list of system calls can do; "" for nothing.
func (p *Plan) NeedsGo() string {
	r := &p.Root
	switch {
	case !r.OwnMounts:
		return "no mount namespace"
	case r.NoPivot:
		return "no pivot_root"
	}
	for i := range p.Ops {
		op := &p.Ops[i]
		switch {
		case op.Kind == Remount:
			return op.Place + ": remount"
		case op.Legacy:
			return op.Place + ": an option that only mount(2) has"
		case op.CopyUp && !p.freshTarget(i):
			return op.Place + ": tmpcopyup"
		case op.ModeFromTarget && !p.freshTarget(i) && p.covered(i):
			return op.Place + ": the mode of a folder in another mount"
		case op.Label != "":
			return op.Place + ": an SELinux label"
		}
	}
	return ""
}

// freshTarget says whether the operation's target lies right in a new tmpfs of
// an earlier one, so that it cannot be there yet.
func (p *Plan) freshTarget(i int) bool {
	for k := i - 1; k >= 0; k-- {
		op := &p.Ops[k]
		if op.Kind == Link || !within(p.Ops[i].Target, op.Target) {
			continue
		}
		return op.Kind == Filesystem && op.FSType == "tmpfs" && !op.CopyUp && op.Target != p.Ops[i].Target
	}
	return false
}

// covered says whether an earlier mount may have changed what is at the target.
func (p *Plan) covered(i int) bool {
	for k := range i {
		if op := &p.Ops[k]; op.Kind != Link && within(p.Ops[i].Target, op.Target) {
			return true
		}
	}
	return false
}
