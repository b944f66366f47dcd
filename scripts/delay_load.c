/* Stands in for a shared library when the program is linked, and loads it when one of its functions
 * is called first. Where the library is missing, each of them returns MISSING, an error code of the
 * library, so that a program with CUDA also starts on a machine without it. x86-64, ELF.
 *
 * SONAME    the library, as the loader knows it
 * FOLDER    where else it may be
 * MISSING   what its functions return without it
 * NAMES     a file with one line X(function) for each */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define X(name) #name,
static const char *const names[] = {
#include NAMES
};
#undef X

__attribute__((used)) static void *delayed_slots[sizeof names / sizeof *names];

static int missing(void) { return MISSING; }

/* For cuGetErrorString, so that the message of such an error says what is missing. */
static int missing_text(int error, const char **text) {
    (void)error;
    *text = SONAME " cannot be loaded";
    return 0;
}

/* Two threads may both come here at first: dlopen counts, and they store the same. */
__attribute__((used)) static void *delayed_find(size_t index) {
    void *library = dlopen(SONAME, RTLD_NOW | RTLD_GLOBAL);
    if (!library) library = dlopen(FOLDER "/" SONAME, RTLD_NOW | RTLD_GLOBAL);
    void *found = library ? dlsym(library, names[index]) : NULL;
    if (!found) found = strcmp(names[index], "cuGetErrorString") ? (void *)missing : (void *)missing_text;
    delayed_slots[index] = found;
    return found;
}

/* A call goes on to the slot of its function. The first one keeps the arguments, which only the
 * function itself can tell apart, while its slot is filled. */
asm(".text\n"
    "delayed_go:\n"
    "  leaq delayed_slots(%rip), %r11\n"
    "  movq (%r11,%rax,8), %r11\n"
    "  testq %r11, %r11\n"
    "  je 1f\n"
    "  jmp *%r11\n"
    "1: pushq %rdi\n  pushq %rsi\n  pushq %rdx\n  pushq %rcx\n  pushq %r8\n  pushq %r9\n"
    "  subq $136, %rsp\n"
    "  movups %xmm0, (%rsp)\n   movups %xmm1, 16(%rsp)\n  movups %xmm2, 32(%rsp)\n"
    "  movups %xmm3, 48(%rsp)\n movups %xmm4, 64(%rsp)\n  movups %xmm5, 80(%rsp)\n"
    "  movups %xmm6, 96(%rsp)\n movups %xmm7, 112(%rsp)\n"
    "  movq %rax, %rdi\n"
    "  call delayed_find\n"
    "  movq %rax, %r11\n"
    "  movups (%rsp), %xmm0\n   movups 16(%rsp), %xmm1\n  movups 32(%rsp), %xmm2\n"
    "  movups 48(%rsp), %xmm3\n movups 64(%rsp), %xmm4\n  movups 80(%rsp), %xmm5\n"
    "  movups 96(%rsp), %xmm6\n movups 112(%rsp), %xmm7\n"
    "  addq $136, %rsp\n"
    "  popq %r9\n  popq %r8\n  popq %rcx\n  popq %rdx\n  popq %rsi\n  popq %rdi\n"
    "  jmp *%r11\n"
    ".set delayed_index, 0\n");
#define X(name)                                                                                    \
    asm(".globl " #name "\n.type " #name ", @function\n" #name ":\n"                               \
        "  movl $delayed_index, %eax\n  jmp delayed_go\n.size " #name ", . - " #name "\n"          \
        ".set delayed_index, delayed_index + 1\n");
#include NAMES
