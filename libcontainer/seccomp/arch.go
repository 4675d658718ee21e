package seccomp

import (
	"runtime"
	"slices"
)

//go:generate go run ./internal/mksyscalls

// arch is an architecture that a profile may name.
type arch struct {
	name    string // in state files
	scmp    string // in config.json
	audit   uint32 // AUDIT_ARCH_* of linux/audit.h: what seccomp_data.arch holds
	wide    bool   // has arguments of 64 bits
	mux     bool   // has sockets and System V IPC behind one syscall each as well
	base    int32  // its numbers begin here
	numbers *[len(syscallNames)]int32
}

// AUDIT_ARCH_X86_64, which amd64 and x32 share.
const auditX8664 = 0xc000003e

// x32Bit marks the numbers of x32 (__X32_SYSCALL_BIT).
const x32Bit = 0x40000000

var arches = [...]arch{
	{"amd64", "SCMP_ARCH_X86_64", auditX8664, true, false, 0, &nrAmd64},
	{"x86", "SCMP_ARCH_X86", 0x40000003, false, true, 0, &nrX86},
	{"x32", "SCMP_ARCH_X32", auditX8664, false, false, x32Bit, &nrX32},
	{"arm64", "SCMP_ARCH_AARCH64", 0xc00000b7, true, false, 0, &nrArm64},
	{"arm", "SCMP_ARCH_ARM", 0x40000028, false, false, 0, &nrArm},
	{"loong64", "SCMP_ARCH_LOONGARCH64", 0xc0000102, true, false, 0, &nrLoong64},
	{"mips", "SCMP_ARCH_MIPS", 0x00000008, false, false, 4000, &nrMips},
	{"mips64", "SCMP_ARCH_MIPS64", 0x80000008, true, false, 5000, &nrMips64},
	{"mips64n32", "SCMP_ARCH_MIPS64N32", 0xa0000008, false, false, 6000, &nrMips64n32},
	{"mipsel", "SCMP_ARCH_MIPSEL", 0x40000008, false, false, 4000, &nrMips},
	{"mipsel64", "SCMP_ARCH_MIPSEL64", 0xc0000008, true, false, 5000, &nrMips64},
	{"mipsel64n32", "SCMP_ARCH_MIPSEL64N32", 0xe0000008, false, false, 6000, &nrMips64n32},
	{"ppc", "SCMP_ARCH_PPC", 0x00000014, false, true, 0, &nrPpc},
	{"ppc64", "SCMP_ARCH_PPC64", 0x80000015, true, true, 0, &nrPpc64},
	{"ppc64le", "SCMP_ARCH_PPC64LE", 0xc0000015, true, true, 0, &nrPpc64},
	{"riscv64", "SCMP_ARCH_RISCV64", 0xc00000f3, true, false, 0, &nrRiscv64},
	{"s390", "SCMP_ARCH_S390", 0x00000016, false, true, 0, &nrS390},
	{"s390x", "SCMP_ARCH_S390X", 0x80000016, true, true, 0, &nrS390x},
}

func archByName(name string) *arch {
	for i := range arches {
		if arches[i].name == name {
			return &arches[i]
		}
	}
	return nil
}

// native is the name of the architecture that this program was built for.
func native() string {
	switch runtime.GOARCH {
	case "386":
		return "x86"
	case "mipsle":
		return "mipsel"
	case "mips64le":
		return "mipsel64"
	}
	return runtime.GOARCH
}

// nameIndex finds a syscall's place in the tables; -1 for a name that no
// architecture has.
func nameIndex(name string) int {
	i, ok := slices.BinarySearch(syscallNames[:], name)
	if !ok {
		return -1
	}
	return i
}

// socketcalls and ipccalls are what the first argument of socketcall(2) and
// ipc(2) says: the position of a name is its number.
var (
	socketcalls = [...]string{1: "socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername",
		"socketpair", "send", "recv", "sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg",
		"recvmsg", "accept4", "recvmmsg", "sendmmsg"}
	ipccalls = [...]string{1: "semop", "semget", "semctl", "semtimedop", 11: "msgsnd", "msgrcv", "msgget", "msgctl",
		21: "shmat", "shmdt", "shmget", "shmctl"}
)

// multiplexer gives the syscall behind which name is too, and the number it has
// there; "" when there is none.
func multiplexer(name string) (string, uint64) {
	if i := slices.Index(socketcalls[1:], name); i >= 0 {
		return "socketcall", uint64(i + 1)
	}
	if i := slices.Index(ipccalls[1:], name); i >= 0 && name != "" {
		return "ipc", uint64(i + 1)
	}
	return "", 0
}
