package program

// elfMachine is EM_X86_64 of elf(5).
const elfMachine = 62
