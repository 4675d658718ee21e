package program

// elfMachine is EM_AARCH64 of elf(5).
const elfMachine = 183
