package criu

import (
	"fmt"
	"os"
	"strings"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/nsenter"
)

// externals are the kinds of namespaces that CRIU leaves alone when told that
// they are not the container's, with the first CRIU that does. Namespaces of
// other kinds are dumped with what is in them, and a restore joins the one of
// the configuration.
var externals = map[configs.NamespaceType]version{
	configs.NEWNET: 3_11_00,
	configs.NEWPID: 3_16_00,
}

// externalName is the name of such a namespace in a dump: extRootNetNS,
// extRootPidNS. It is an interface, as the names of mounts are.
func externalName(t configs.NamespaceType) string {
	kind := configs.NsName(t)
	return "extRoot" + strings.ToUpper(kind[:1]) + kind[1:] + "NS"
}

// dumpNamespaces names the external namespaces of a running container.
func dumpNamespaces(config *configs.Config, pid int, v version) ([]string, error) {
	var list []string
	for i := range config.Namespaces {
		ns := &config.Namespaces[i]
		least, ok := externals[ns.Type]
		if ns.Path == "" || !ok {
			continue
		}
		if err := v.need(least, fmt.Sprintf("a namespace that is joined (config.json: linux.namespaces[%d].path)", i)); err != nil {
			return nil, err
		}
		// What the container has now, wherever the path leads by now.
		var st unix.Stat_t
		file := ns.GetPath(pid)
		if err := unix.Stat(file, &st); err != nil {
			return nil, &os.PathError{Op: "stat", Path: file, Err: err}
		}
		list = append(list, fmt.Sprintf("%s[%d]:%s", configs.NsName(ns.Type), st.Ino, externalName(ns.Type)))
	}
	return list, nil
}

// joined are the namespaces that a restored container gets by path.
type joined struct {
	names []string   // of the external ones, and
	files []*os.File // what they are
	join  []*rpc.JoinNamespace
	least version // of CRIU that knows all of them
}

func (j *joined) close() {
	for _, f := range j.files {
		f.Close()
	}
}

func restoreNamespaces(config *configs.Config) (*joined, error) {
	j := new(joined)
	for i := range config.Namespaces {
		ns := &config.Namespaces[i]
		if ns.Path == "" {
			continue
		}
		f, err := nsenter.OpenNamespace(ns.Path, ns.Type.CloneFlag())
		if err != nil {
			j.close()
			return nil, fmt.Errorf("%w (config.json: linux.namespaces[%d].path)", err, i)
		}
		if least, ok := externals[ns.Type]; ok {
			j.least = max(j.least, least)
			j.names, j.files = append(j.names, externalName(ns.Type)), append(j.files, f)
			continue
		}
		f.Close()
		j.join = append(j.join, &rpc.JoinNamespace{Ns: new(configs.NsName(ns.Type)), NsFile: new(ns.Path)})
	}
	return j, nil
}
