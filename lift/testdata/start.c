// What a program of nothing but the operations needs to be linked.
const long rseq_offset = -160;

void _start(void) { for (;;); }
