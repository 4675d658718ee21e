package intelrdt

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Stats is what `events` shows of a group; its JSON is an interface.
type Stats struct {
	L3CacheInfo       *L3CacheInfo `json:"l3_cache_info,omitempty"`
	L3CacheSchemaRoot string       `json:"l3_cache_schema_root,omitempty"`
	L3CacheSchema     string       `json:"l3_cache_schema,omitempty"`

	MemBwInfo       *MemBwInfo `json:"mem_bw_info,omitempty"`
	MemBwSchemaRoot string     `json:"mem_bw_schema_root,omitempty"`
	MemBwSchema     string     `json:"mem_bw_schema,omitempty"`

	// Schemata are all lines of the group.
	Schemata []string `json:"schemata,omitempty"`

	// MBMStats and CMTStats have an element for each L3 cache.
	MBMStats *[]MBMNumaNodeStats `json:"mbm_stats,omitempty"`
	CMTStats *[]CMTNumaNodeStats `json:"cmt_stats,omitempty"`
}

// L3CacheInfo is what the hardware can do with its L3 cache.
type L3CacheInfo struct {
	CbmMask    string `json:"cbm_mask,omitempty"`
	MinCbmBits uint64 `json:"min_cbm_bits,omitempty"`
	NumClosids uint64 `json:"num_closids,omitempty"`
}

// MemBwInfo is what the hardware can do with memory bandwidth, in per cent.
type MemBwInfo struct {
	BandwidthGran uint64 `json:"bandwidth_gran,omitempty"`
	DelayLinear   uint64 `json:"delay_linear,omitempty"`
	MinBandwidth  uint64 `json:"min_bandwidth,omitempty"`
	NumClosids    uint64 `json:"num_closids,omitempty"`
}

// MBMNumaNodeStats is memory traffic, in bytes since the group was made.
type MBMNumaNodeStats struct {
	MBMTotalBytes uint64 `json:"mbm_total_bytes,omitempty"`
	MBMLocalBytes uint64 `json:"mbm_local_bytes,omitempty"`
}

// CMTNumaNodeStats is how many bytes of cache are in use.
type CMTNumaNodeStats struct {
	LLCOccupancy uint64 `json:"llc_occupancy,omitempty"`
}

// Stats reads what the group may use and does use. Features that the hardware
// lacks are left out.
func (g *Group) Stats() (*Stats, error) {
	root := filepath.Dir(g.Path)
	if g.Config.ClosID == "/" {
		root = g.Path
	}
	s := &Stats{}
	if err := s.readLimits(root, g.Path); err != nil {
		return nil, err
	}
	data := g.Path
	if g.Config.EnableMonitoring {
		data = g.monPath()
	}
	if err := s.readUse(root, filepath.Join(data, "mon_data")); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Stats) readLimits(root, group string) error {
	rootLines, err := schemaLines(root)
	if err != nil {
		return err
	}
	if s.Schemata, err = schemaLines(group); err != nil {
		return err
	}
	r := reader{dir: filepath.Join(root, "info", "L3")}
	if r.exists() {
		s.L3CacheInfo = &L3CacheInfo{
			CbmMask:    r.text("cbm_mask"),
			MinCbmBits: r.number("min_cbm_bits"),
			NumClosids: r.number("num_closids"),
		}
		s.L3CacheSchemaRoot = lineOf(rootLines, "L3")
		s.L3CacheSchema = lineOf(s.Schemata, "L3")
	}
	m := reader{dir: filepath.Join(root, "info", "MB")}
	if m.exists() {
		s.MemBwInfo = &MemBwInfo{
			BandwidthGran: m.number("bandwidth_gran"),
			DelayLinear:   m.number("delay_linear"),
			MinBandwidth:  m.number("min_bandwidth"),
			NumClosids:    m.number("num_closids"),
		}
		s.MemBwSchemaRoot = lineOf(rootLines, "MB")
		s.MemBwSchema = lineOf(s.Schemata, "MB")
	}
	return errors.Join(r.err, m.err)
}

func (s *Stats) readUse(root, data string) error {
	features, err := os.ReadFile(filepath.Join(root, "info", "L3_MON", "mon_features"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for f := range strings.FieldsSeq(string(features)) {
		has[f] = true
	}
	caches, err := filepath.Glob(filepath.Join(data, "mon_L3_*"))
	if err != nil {
		return err
	}
	var mbm []MBMNumaNodeStats
	var cmt []CMTNumaNodeStats
	for _, dir := range caches {
		r := reader{dir: dir}
		if has["mbm_total_bytes"] || has["mbm_local_bytes"] {
			var n MBMNumaNodeStats
			if has["mbm_total_bytes"] {
				n.MBMTotalBytes = r.number("mbm_total_bytes")
			}
			if has["mbm_local_bytes"] {
				n.MBMLocalBytes = r.number("mbm_local_bytes")
			}
			mbm = append(mbm, n)
		}
		if has["llc_occupancy"] {
			cmt = append(cmt, CMTNumaNodeStats{r.number("llc_occupancy")})
		}
		if r.err != nil {
			return r.err
		}
	}
	if mbm != nil {
		s.MBMStats = &mbm
	}
	if cmt != nil {
		s.CMTStats = &cmt
	}
	return nil
}

// lineOf finds the line of a resource.
func lineOf(lines []string, resource string) string {
	for _, l := range lines {
		if name, _, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == resource {
			return l
		}
	}
	return ""
}

// reader reads the small files of a folder; the first error stays.
type reader struct {
	dir string
	err error
}

func (r *reader) exists() bool {
	_, err := os.Stat(r.dir)
	return err == nil
}

func (r *reader) text(name string) string {
	if r.err != nil {
		return ""
	}
	var b []byte
	b, r.err = os.ReadFile(filepath.Join(r.dir, name))
	return strings.TrimSpace(string(b))
}

// number is 0 for a counter that the hardware cannot tell at the moment, which
// the kernel words as Unavailable, Error or Unassigned.
func (r *reader) number(name string) uint64 {
	text := r.text(name)
	if r.err != nil || text == "Unavailable" || text == "Error" || text == "Unassigned" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		r.err = &os.PathError{Op: "parse", Path: filepath.Join(r.dir, name), Err: err}
	}
	return n
}
