package intelrdt

import (
	"os"
	"path/filepath"
	"strings"
)

// schemata are the lines of a schemata file by resource: L3, MB, L2, L3CODE...
// each with the value of each domain (cache or node) by its id.
type schemata map[string]map[string]string

// parseSchema takes NAME:ID=VALUE;ID=VALUE... The kernel pads with blanks and
// zeros, both of which mean nothing.
func parseSchema(line string) (resource string, domains map[string]string, ok bool) {
	resource, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
	if !ok {
		return "", nil, false
	}
	domains = map[string]string{}
	for part := range strings.SplitSeq(rest, ";") {
		id, value, ok := strings.Cut(part, "=")
		if !ok {
			return "", nil, false
		}
		domains[normal(id)] = normal(value)
	}
	return strings.TrimSpace(resource), domains, true
}

func normal(number string) string {
	n := strings.TrimLeft(strings.ToLower(strings.TrimSpace(number)), "0")
	if n == "" {
		return "0"
	}
	return n
}

// covers says whether every domain that the line names has that value.
func (s schemata) covers(line string) bool {
	resource, domains, ok := parseSchema(line)
	if !ok {
		return false
	}
	for id, want := range domains {
		if has, ok := s[resource][id]; !ok || has != want {
			return false
		}
	}
	return true
}

func schemaLines(group string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(group, "schemata"))
	if err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func readSchemata(group string) (schemata, error) {
	lines, err := schemaLines(group)
	if err != nil {
		return nil, err
	}
	s := schemata{}
	for _, l := range lines {
		if resource, domains, ok := parseSchema(l); ok {
			s[resource] = domains
		}
	}
	return s, nil
}
