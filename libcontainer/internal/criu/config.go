package criu

import "strings"

const (
	// configAnnotation names the file with CRIU's configuration for a container.
	configAnnotation = "org.criu.config"
	// defaultConfig is the file for containers without the annotation.
	defaultConfig = "/etc/criu/runc.conf"
)

// configFile is the file whose settings overrule those of the request. CRIU
// reads it, and takes a missing one for an empty one. An empty annotation means
// no file, not even the default one.
func configFile(labels []string) *string {
	file := defaultConfig
	for _, l := range labels {
		if v, ok := strings.CutPrefix(l, configAnnotation+"="); ok {
			file = v
		}
	}
	if file == "" {
		return nil
	}
	return &file
}
