// Code that asks for the place of thread-local data, which compilers do in four
// ways: -fpic and -ftls-model choose.
__thread int zero[5] __attribute__((aligned(32)));
__thread long one = 1;

void *tls_zero(void) { return &zero[2]; }
long *tls_one(void) { return &one; }
long tls_load(void) { return one + zero[1]; }

