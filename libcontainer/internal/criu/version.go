package criu

import (
	"errors"
	"fmt"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
)

// version is MAJOR*10000 + MINOR*100 + SUBLEVEL, as CRIU's own interfaces count.
type version int

// The versions of CRIU from which on there is something.
const (
	minVersion        version = 3_00_00
	freezerV2Version  version = 3_14_00
	lsmProfileVersion version = 3_16_00
	lsmMountVersion   version = 3_16_00
)

func (v version) String() string {
	return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100)
}

// version asks for CRIU's version and checks that it is new enough at all.
func (p *process) version() (version, error) {
	kind := rpc.CriuReqType_VERSION
	resp, err := p.ask(&rpc.CriuReq{Type: &kind})
	if err != nil || !resp.GetSuccess() {
		return 0, p.failure(kind, resp, err, "")
	}
	got := resp.GetVersion()
	v := version(got.GetMajorNumber()*10000 + got.GetMinorNumber()*100 + got.GetSublevel())
	if got.GetGitid() != "" {
		// Built between two releases: counts as the next one.
		v = v - v%100 + 100
	}
	return v, v.need(minVersion, "checkpoint and restore")
}

func (v version) need(least version, what string) error {
	if v < least {
		return fmt.Errorf("%s: needs CRIU %v or newer, installed is %v", what, least, v)
	}
	return nil
}

// features asks what CRIU can do on this kernel.
func (p *process) features() (*rpc.CriuFeatures, error) {
	kind, yes := rpc.CriuReqType_FEATURE_CHECK, true
	resp, err := p.ask(&rpc.CriuReq{Type: &kind, Features: &rpc.CriuFeatures{MemTrack: &yes, LazyPages: &yes}})
	if err != nil || !resp.GetSuccess() {
		return nil, p.failure(kind, resp, err, "")
	}
	return resp.GetFeatures(), nil
}

var errNoLazyPages = errors.New("--lazy-pages: CRIU is missing features: uffd-noncoop (see `criu check --feature uffd-noncoop`)")

// noMemTrack is a feature that CRIU cannot do without for a pre-dump: it would
// stop half-way, with its code still in the container's processes.
const noMemTrack = "CRIU is missing features: mem_dirty_track (see `criu check --feature mem_dirty_track`)"

var errNoMemTrack = errors.New("--pre-dump: " + noMemTrack)
