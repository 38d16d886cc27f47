// The few instructions that Swift cannot spell, over vectors of sixteen 32-bit lanes.
//
// One `f32x16` is one zmm register with AVX-512, two ymm registers with AVX2, four registers with NEON: the
// compiler flags of the importing target decide, the arithmetic of every lane is the same. No function here
// contracts, reorders or approximates; kernels rely on that for equal bits.
#pragma once
#include <stdint.h>
#pragma STDC FP_CONTRACT OFF
// Every function is inlined, so how wide vectors would be passed to a call does not matter.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

#define VEC static inline __attribute__((always_inline, unused))

#if defined(__x86_64__)
// CPUID: eax, ebx, ecx, edx of `leaf`, `subleaf`.
VEC void cpuidRead(uint32_t leaf, uint32_t subleaf, uint32_t *out) {
  __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                   : "a"(leaf), "c"(subleaf));
}
// XCR0: which register files the operating system saves. Only valid when CPUID reports OSXSAVE.
VEC uint64_t xcr0Read(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}
#endif

// Subnormal inputs and results of this thread are zeros until its former mode is restored.
VEC uint64_t flushSubnormals(void) {
#if defined(__x86_64__)
  uint32_t former = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(former | 0x8040u);
  return former;
#else
  uint64_t former;
  __asm__ volatile("mrs %0, fpcr" : "=r"(former));
  __asm__ volatile("msr fpcr, %0" ::"r"(former | 1ull << 24) : "memory");
  return former;
#endif
}
VEC void restoreSubnormals(uint64_t former) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr((uint32_t)former);
#else
  __asm__ volatile("msr fpcr, %0" ::"r"(former) : "memory");
#endif
}

#if defined(__SSE4_2__) && defined(__x86_64__)
VEC uint32_t crc32cWord(uint32_t crc, uint64_t word) { return (uint32_t)__builtin_ia32_crc32di(crc, word); }
VEC uint32_t crc32cByte(uint32_t crc, uint8_t byte) { return __builtin_ia32_crc32qi(crc, byte); }
#endif

#if defined(__AVX2__) || defined(__aarch64__)
typedef float f32x16 __attribute__((ext_vector_type(16)));
typedef uint32_t u32x16 __attribute__((ext_vector_type(16)));
typedef int32_t i32x16 __attribute__((ext_vector_type(16)));
typedef uint16_t u16x16 __attribute__((ext_vector_type(16)));
typedef float f32x16_at4 __attribute__((ext_vector_type(16), aligned(4)));
typedef uint32_t u32x16_at4 __attribute__((ext_vector_type(16), aligned(4)));
typedef uint16_t u16x16_at2 __attribute__((ext_vector_type(16), aligned(2)));
typedef _Float16 f16x16_at2 __attribute__((ext_vector_type(16), aligned(2)));
typedef uint32_t u32x8_at4 __attribute__((ext_vector_type(8), aligned(4)));

VEC void vprefetch(const void *p) { __builtin_prefetch(p, 0, 3); }
// Into the second-level cache: for lines that are not needed soon.
VEC void vprefetchFar(const void *p) { __builtin_prefetch(p, 0, 2); }

// Memory. A "part" touches the first n < 16 lanes only; the others read as +0.
VEC f32x16 vload(const float *p) { return *(const f32x16_at4 *)p; }
VEC void vstore(float *p, f32x16 v) { *(f32x16_at4 *)p = v; }
VEC f32x16 vloadPart(const float *p, long n) {
  union { f32x16 v; float f[16]; } u = {.v = 0};
  for (long i = 0; i < n; i++) u.f[i] = p[i];
  return u.v;
}
VEC void vstorePart(float *p, f32x16 v, long n) {
  union { f32x16 v; float f[16]; } u = {.v = v};
  for (long i = 0; i < n; i++) p[i] = u.f[i];
}
VEC f32x16 vsplat(float x) { return (f32x16)(x); }

// Widening loads: pairs of bfloat16 in 32-bit words (low half = even k), rows of bfloat16, rows of binary16.
VEC u32x16 vwords(const uint32_t *p) { return *(const u32x16_at4 *)p; }
VEC f32x16 veven(u32x16 w) { return (f32x16)(w << 16); }
VEC f32x16 vodd(u32x16 w) { return (f32x16)(w & 0xFFFF0000u); }
VEC f32x16 vloadBF16(const uint16_t *p) {
  return (f32x16)(__builtin_convertvector(*(const u16x16_at2 *)p, u32x16) << 16);
}
VEC f32x16 vloadF16(const uint16_t *p) { return __builtin_convertvector(*(const f16x16_at2 *)p, f32x16); }

// One IEEE operation per lane.
VEC f32x16 vadd(f32x16 a, f32x16 b) { return a + b; }
VEC f32x16 vsub(f32x16 a, f32x16 b) { return a - b; }
VEC f32x16 vmul(f32x16 a, f32x16 b) { return a * b; }
VEC f32x16 vdiv(f32x16 a, f32x16 b) { return a / b; }
VEC f32x16 vnegate(f32x16 a) { return -a; }
VEC f32x16 vfma(f32x16 a, f32x16 b, f32x16 c) { return __builtin_elementwise_fma(a, b, c); }

// Masks are all ones or all zeros per lane.
VEC f32x16 vselect(i32x16 mask, f32x16 a, f32x16 b) {
  return (f32x16)(((i32x16)a & mask) | ((i32x16)b & ~mask));
}
VEC i32x16 vselectInt(i32x16 mask, i32x16 a, i32x16 b) { return (a & mask) | (b & ~mask); }
VEC i32x16 vgreater(f32x16 a, f32x16 b) { return a > b; }
VEC i32x16 vgreaterInt(i32x16 a, i32x16 b) { return a > b; }
VEC i32x16 vequalInt(i32x16 a, i32x16 b) { return a == b; }
VEC i32x16 vunordered(f32x16 a) { return a != a; }
// a where a > b, else b (so b when either is NaN): the meaning of the x86 instruction, spelled out.
VEC f32x16 vmax(f32x16 a, f32x16 b) { return vselect(a > b, a, b); }

// Integers and bits.
VEC i32x16 vlanes(void) { return (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }
VEC i32x16 vsplatInt(int32_t x) { return (i32x16)(x); }
VEC i32x16 vaddInt(i32x16 a, i32x16 b) { return a + b; }
VEC i32x16 vsubInt(i32x16 a, i32x16 b) { return a - b; }
VEC i32x16 vhalve(i32x16 a) { return a >> 1; }
VEC i32x16 vbits(f32x16 a) { return (i32x16)a; }
VEC f32x16 vfromBits(i32x16 a) { return (f32x16)a; }
VEC i32x16 vand(i32x16 a, i32x16 b) { return a & b; }
VEC i32x16 vor(i32x16 a, i32x16 b) { return a | b; }
// 2^n for n in -126...127.
VEC f32x16 vpowerOfTwo(i32x16 n) { return (f32x16)((n + 127) << 23); }

// Rounds to nearest, ties to even; NaN becomes a quiet NaN of the same sign.
VEC void vstoreBF16(uint16_t *p, f32x16 v) {
  u32x16 w = (u32x16)v, rounded = (w + 0x7FFFu + ((w >> 16) & 1u)) >> 16, quiet = (w >> 16) | 0x40u;
  u32x16 nan = (u32x16)(v != v);
  *(u16x16_at2 *)p = __builtin_convertvector((quiet & nan) | (rounded & ~nan), u16x16);
}

// Fixed trees over the sixteen lanes: l with l+8, then +4, +2, +1.
#define VTREE(type, v, OP)                                                                       \
  type a8 = OP(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)); \
  type a4 = OP(a8, __builtin_shufflevector(a8, a8, 4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15)); \
  type a2 = OP(a4, __builtin_shufflevector(a4, a4, 2, 3, 0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)); \
  type a1 = OP(a2, __builtin_shufflevector(a2, a2, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)); \
  return a1[0]
VEC float vsum(f32x16 v) { VTREE(f32x16, v, vadd); }
VEC float vmaxLane(f32x16 v) { VTREE(f32x16, v, vmax); }
// The same trees of four vectors at once: that of vector i is in lane 4 i.
#define VTREES(OP)                                                                               \
  f32x16 a = OP(__builtin_shufflevector(v0, v1, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), \
                __builtin_shufflevector(v0, v1, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)); \
  f32x16 b = OP(__builtin_shufflevector(v2, v3, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), \
                __builtin_shufflevector(v2, v3, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)); \
  f32x16 c = OP(__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27), \
                __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)); \
  f32x16 d = OP(c, __builtin_shufflevector(c, c, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)); \
  return OP(d, __builtin_shufflevector(d, d, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))
VEC f32x16 vsums(f32x16 v0, f32x16 v1, f32x16 v2, f32x16 v3) { VTREES(vadd); }
VEC f32x16 vmaxLanes(f32x16 v0, f32x16 v1, f32x16 v2, f32x16 v3) { VTREES(vmax); }

// Eight rows of eight words, `rowStride` apart, transposed: row i of the result goes to out + i * stride.
VEC void vtranspose8(const uint32_t *rows, long rowStride, uint32_t *out, long stride) {
  u32x8_at4 r[8], s[8], t[8];
  for (int i = 0; i < 8; i++) r[i] = *(const u32x8_at4 *)(rows + i * rowStride);
  for (int i = 0; i < 4; i++) {
    s[2 * i] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    s[2 * i + 1] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) {
      u32x8_at4 a = s[4 * i + j], b = s[4 * i + j + 2];
      t[4 * i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      t[4 * i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (int i = 0; i < 4; i++) {
    u32x8_at4 a = t[i], b = t[4 + i];
    *(u32x8_at4 *)(out + i * stride) = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    *(u32x8_at4 *)(out + (i + 4) * stride) = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
#endif
#pragma clang diagnostic pop
#include "CIntrinsicsBytes.h"
