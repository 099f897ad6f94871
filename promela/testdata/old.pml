/* small under Linux 5.10, as a model for Spin 6: 2 threads on 2 CPUs, preempt=1 migrate=1.
 *
 *   spin -o2 [-DNOCHECKS] -a MODEL
 *   gcc -O2 -w -DSAFETY -DNOREDUCE -DVECTORSZ=1024 -o pan pan.c
 *   ./pan -n -m1000000
 *
 * Each alternative of the loop is one choice of the machine, and each state of the
 * model one of the machine's. A number is the sign-extended lower half of 64 bits;
 * one that needs more breaks assert(!refused), as does what isn't translated.
 * With NOCHECKS nothing but that is asserted.
 */

#define me   _pid
#define N    2
#define CPUS 2

/* The machine. */
byte busy[2] = {1, 2};  /* the thread on the CPU + 1; 0: idle */
byte preemptions = 1;
byte migrations = 1;
byte alive = N;
byte last;    /* who was killed + 1 */
byte killed;  /* why the program was killed, a reason of package emu; 0: it wasn't */
int killed_ip, killed_at;
short calls[1], got[1];  /* finished calls, by function; those that returned other than 0 */

/* The threads. A dead one's variables are 0. */
bit dead[2];
bit on[2] = {1, 1};  /* it has a CPU */
byte cpu[2] = {1, 2};  /* the CPU where it runs or ran last + 1 */
int pc[2] = {65536, 65536};  /* the next instruction; between calls, the next call's first one */
bit called[2];  /* it is in a call */
byte call[2];  /* calls that have returned */
int r0[2];
int r1[2];
int r2[2];

/* What the kernel remembers of a thread. */
byte events[2];  /* the event mask: preempt 1, migrate 4 */
bit notify[2];  /* TIF_NOTIFY_RESUME */
byte wrote_cpu[2] = {0, 1};  /* the cpu_id that it wrote last */

/* For one step. */
hidden int a, b, v, x, at, ip, cs, i, fault;
hidden byte fatal, refused, f;
hidden int tmp0, tmp1;

/* Memory: percpu (at 0x300000) from 0 on, thread (at 0x400000) from 128 on */
byte mem[256] = {0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0};
hidden byte ro[32] = {0,0,0,0,0,0,0,0,8,0,1,0,0,0,0,0,12,0,0,0,0,0,0,0,24,0,1,0,0,0,0,0};
#define AREA (128 + me*64)  /* the thread's struct rseq in mem */

/* x = the place of the w bytes at address a in mem, or -1 */
inline place(a, w) {
    if
    :: (a >= 3145728 && a <= 3145856 - w) -> x = a - 3145728
    :: (a >= 4194304 && a <= 4194432 - w) -> x = a - 4194176
    :: else -> x = -1
    fi
}

/* v = the w bytes at x of an array, zero-extended */
#define LOW(m, x) (m[x] | m[(x)+1]<<8 | m[(x)+2]<<16 | m[(x)+3]<<24)
#define HIGH(m, x) (m[(x)+4] == m[(x)+5] && m[(x)+5] == m[(x)+6] && m[(x)+6] == m[(x)+7] && m[(x)+7] == (m[(x)+3] >= 128 -> 255 : 0))
#define load1(m, x) v = m[x]
#define load2(m, x) v = m[x] | m[(x)+1]<<8
#define load4(m, x) need(m[(x)+3] < 128); v = LOW(m, x)
#define load8(m, x) need(HIGH(m, x)); v = LOW(m, x)

inline store1(x, v) { mem[x] = (v) & 255 }
inline store2(x, v) { mem[x] = (v) & 255; mem[(x)+1] = (v)>>8 & 255 }
inline store4(x, v) { mem[x] = (v) & 255; mem[(x)+1] = (v)>>8 & 255; mem[(x)+2] = (v)>>16 & 255; mem[(x)+3] = (v)>>24 & 255 }
inline store8(x, v) {
    store4(x, v); f = ((v) < 0 -> 255 : 0);
    mem[(x)+4] = f; mem[(x)+5] = f; mem[(x)+6] = f; mem[(x)+7] = f
}

inline clear(t) {
    dead[t] = 1; on[t] = 0; cpu[t] = 0; pc[t] = 0; called[t] = 0; call[t] = 0;
    r0[t] = 0;
    r1[t] = 0;
    r2[t] = 0;
    events[t] = 0;
    wrote_cpu[t] = 0;
    notify[t] = 0;
}

/* The thread's last call has returned. */
inline ended() {
    busy[cpu[me]-1] = 0;
    alive--;
    clear(me);
    if
    :: (alive == 0) ->
#ifndef NOCHECKS
       final_checks();
#endif
       skip
    :: else -> skip
    fi
}

/* The kernel has forced a signal on the thread, and no thread survives it. */
inline kill() {
    killed = fatal; killed_ip = ip; killed_at = fault; last = me + 1; alive = 0;
    i = 0; do :: (i < N) -> clear(i); i++ :: else -> break od;
    i = 0; do :: (i < CPUS) -> busy[i] = 0; i++ :: else -> break od;
#ifndef NOCHECKS
    assert(killed == 0);
#endif
}

/* Only what is so is translated. */
inline need(c) {
    if :: (c) -> skip :: else -> refused = 1; assert(!refused) fi
}

hidden byte final_1;
hidden int e0, e1, e2;
hidden byte wrong;

inline final_checks() {
    /* final sum(count) == calls(add) */
    wrong = 0;
    e0 = 0;
    at = 3145728; place(at, 8);
    if
    :: (x >= 0) -> load8(mem, x)
    :: else -> need(at < 65536 || at >= 2097152); v = 0
    fi;
    need(v < 1<<24 && v > -(1<<24));
    e0 = e0 + v;
    at = 3145792; place(at, 8);
    if
    :: (x >= 0) -> load8(mem, x)
    :: else -> need(at < 65536 || at >= 2097152); v = 0
    fi;
    need(v < 1<<24 && v > -(1<<24));
    e0 = e0 + v;
    e1 = calls[0];
    e2 = (e0 == e1);
    final_1 = (!wrong && e2 != 0);
    assert(final_1);
    skip
}

/* The kernel writes the ids and remembers them. */
inline write_ids() {
    wrote_cpu[me] = cpu[me] - 1;
    store4((AREA + 0), cpu[me] - 1);
    store4((AREA + 4), cpu[me] - 1);
    skip
}

/* rseq_cs := 0 */
inline clear_cs() {
    store8((AREA + 8), 0)
}

/* The work on the way to user mode, by the rule of Linux up to 6.18. */
inline work() {
    need(HIGH(mem, (AREA + 8))); cs = LOW(mem, (AREA + 8));
    if
    :: (cs == 0) -> skip
    :: (cs == 1048576) ->  /* add_cs */
       if
       :: (ip >= 65544 && ip < 65556) ->
          a = LOW(mem, (AREA + 16)) | 0;  /* flags */
          if
          :: (a & 2 && (a & 5) != 5) -> fatal = 9
          :: else ->
             if :: (events[me] & ~(a & 7)) -> clear_cs(); pc[me] = 65560 :: else -> skip fi;
             events[me] = 0
          fi
       :: else -> clear_cs()
       fi
    :: else -> need(false)
    fi;
    if :: (!fatal) -> write_ids() :: else -> skip fi
}

/* CPU c picks the thread, which goes on in user mode. */
inline dispatch(c) {
    if :: (cpu[me] != 0 && cpu[me] != c+1) -> migrations-- :: else -> skip fi;
    busy[c] = me + 1;
    if :: (cpu[me] != 0 && cpu[me] != c+1) -> events[me] = events[me] | 4; notify[me] = 1 :: else -> skip fi;
    cpu[me] = c + 1;
    on[me] = 1;
    ip = (called[me] -> pc[me] : 61440);
    if :: (notify[me]) -> notify[me] = 0; work() :: else -> skip fi;
    skip
}

/* The timer takes the thread off its CPU. */
inline preempt() {
    preemptions--;
    events[me] = events[me] | 1;
    notify[me] = 1;
    busy[cpu[me]-1] = 0;
    on[me] = 0
}

/* The call begins: its arguments. */
inline begin() {
    called[me] = 1;
    if
    :: else -> skip
    fi
}

/* The call has returned: the next one, or none. */
inline returned() {
    if
    :: (me == 0 && call[me] == 0) -> i = 0
    :: (me == 1 && call[me] == 0) -> i = 0
    fi;
    calls[i]++; if :: (r0[me] != 0) -> got[i]++ :: else -> skip fi;
    call[me]++; called[me] = 0;
    r0[me] = 0;
    r1[me] = 0;
    r2[me] = 0;
    if
    :: else -> ended()
    fi
}

active [N] proctype thread()
{
end:
    do
    :: d_step {  /* c0 run */
       (!dead[me] && !on[me] && busy[0] == 0 && (cpu[me] == 0 || cpu[me] == 1 || migrations > 0)) ->
       fatal = 0; fault = 0;
       dispatch(0);
       if :: (fatal) -> kill() :: else -> skip fi;
       skip }
    :: d_step {  /* c1 run */
       (!dead[me] && !on[me] && busy[1] == 0 && (cpu[me] == 0 || cpu[me] == 2 || migrations > 0)) ->
       fatal = 0; fault = 0;
       dispatch(1);
       if :: (fatal) -> kill() :: else -> skip fi;
       skip }
    :: d_step {  /* preempt */
       (on[me] && preemptions > 0) ->
       preempt();
       skip }
    :: d_step {  /* add.abort_to: { ld.4 r1, [tp + cpu_id_start]; shl r1, r1, percpu_shift } */
       (on[me] && pc[me] == 65536) ->
       fatal = 0;
       if :: (!called[me]) -> begin() :: else -> skip fi;
       x = AREA + 0;
       load4(mem, x);
       r1[me] = v;
       a = r1[me]; b = 6;
       b = b & 63;
       need(a == 0 || b < 31 && a <= (2147483647 >> b) && a >= -(2147483647 >> b));
       v = (a == 0 -> 0 : a << b);
       r1[me] = v;
       pc[me] = 65540;
       skip }
    :: d_step {  /* add.abort_to+4: { mov t0, add_cs; st.8 [tp + rseq_cs], t0 } */
       (on[me] && pc[me] == 65540) ->
       fatal = 0;
       v = 1048576;
       tmp0 = v;
       x = AREA + 8;
       store8(x, tmp0);
       pc[me] = 65544;
       skip }
    :: d_step {  /* add.start: { ld.4 t0, [tp + cpu_id]; shl t0, t0, percpu_shift; bne t0, r1, abort } */
       (on[me] && pc[me] == 65544) ->
       fatal = 0;
       x = AREA + 4;
       load4(mem, x);
       tmp0 = v;
       a = tmp0; b = 6;
       b = b & 63;
       need(a == 0 || b < 31 && a <= (2147483647 >> b) && a >= -(2147483647 >> b));
       v = (a == 0 -> 0 : a << b);
       tmp0 = v;
       if
       :: (tmp0 != r1[me]) -> pc[me] = 65560  /* abort */
       :: else -> pc[me] = 65548
       fi;
       skip }
    :: d_step {  /* add.start+4: ld.8 r2, [r1 + count] */
       (on[me] && pc[me] == 65548) ->
       fatal = 0;
       need(r1[me] >= -268435456 && r1[me] < 268435456);
       at = r1[me] + 3145728;
       place(at, 8);
       if
       :: (x >= 0) ->
          load8(mem, x);
          r2[me] = v;
          pc[me] = 65552;
       :: (x < 0 && at >= 1048576 && at <= 1048600) ->
          x = at - 1048576;
          load8(ro, x);
          r2[me] = v;
          pc[me] = 65552;
       :: (x < 0 && !(at >= 1048576 && at <= 1048600) && !(at >= 65536 && at < 65564)) -> fatal = 14; fault = at
       :: else -> need(false)
       fi;
       if :: (fatal) -> ip = 65548; kill() :: else -> skip fi;
       skip }
    :: d_step {  /* add.start+8: { add t0, r2, 1; st.8 [r1 + count], t0; ret } */
       (on[me] && pc[me] == 65552) ->
       fatal = 0;
       a = r2[me]; b = 1;
       need(!(a > 0 && b > 2147483647 - a) && !(a < 0 && b < (-2147483647 - 1) - a));
       v = a + b;
       tmp0 = v;
       need(r1[me] >= -268435456 && r1[me] < 268435456);
       at = r1[me] + 3145728;
       place(at, 8);
       if
       :: (x >= 0) ->
          store8(x, tmp0);
          returned();
       :: (x < 0) -> fatal = 15; fault = at
       :: else -> need(false)
       fi;
       if :: (fatal) -> ip = 65552; kill() :: else -> skip fi;
       skip }
    :: d_step {  /* add.abort: jmp abort_to */
       (on[me] && pc[me] == 65560) ->
       fatal = 0;
       pc[me] = 65536;
       skip }
    od
}
