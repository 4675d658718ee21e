// Package seccomp turns the rules of config.json into a filter for seccomp(2).
//
// So far it knows their words: which are valid, and what they are in a state
// file. The compiler is not built yet, and a configuration that asks for a
// filter is refused, rather than run without one.
package seccomp

// arch is an architecture that a profile may name.
type arch struct {
	name string // in state files
	scmp string // in config.json
}

var arches = [...]arch{
	{"amd64", "SCMP_ARCH_X86_64"},
	{"x86", "SCMP_ARCH_X86"},
	{"x32", "SCMP_ARCH_X32"},
	{"arm64", "SCMP_ARCH_AARCH64"},
	{"arm", "SCMP_ARCH_ARM"},
	{"loong64", "SCMP_ARCH_LOONGARCH64"},
	{"mips", "SCMP_ARCH_MIPS"},
	{"mips64", "SCMP_ARCH_MIPS64"},
	{"mips64n32", "SCMP_ARCH_MIPS64N32"},
	{"mipsel", "SCMP_ARCH_MIPSEL"},
	{"mipsel64", "SCMP_ARCH_MIPSEL64"},
	{"mipsel64n32", "SCMP_ARCH_MIPSEL64N32"},
	{"ppc", "SCMP_ARCH_PPC"},
	{"ppc64", "SCMP_ARCH_PPC64"},
	{"ppc64le", "SCMP_ARCH_PPC64LE"},
	{"riscv64", "SCMP_ARCH_RISCV64"},
	{"s390", "SCMP_ARCH_S390"},
	{"s390x", "SCMP_ARCH_S390X"},
}
