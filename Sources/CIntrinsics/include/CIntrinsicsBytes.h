// Whole numbers of four and eight bits over the vectors of CIntrinsics.h: exact products, and rounding to bytes.
#pragma once
#include "CIntrinsics.h"
#if defined(__AVX2__) || defined(__aarch64__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

typedef uint8_t u8x16 __attribute__((ext_vector_type(16)));
typedef uint8_t u8x16_at1 __attribute__((ext_vector_type(16), aligned(1)));
typedef int8_t i8x16_at1 __attribute__((ext_vector_type(16), aligned(1)));

VEC f32x16 vabs(f32x16 a) { return (f32x16)((i32x16)a & 0x7FFFFFFF); }
VEC f32x16 vfromInt(i32x16 a) { return __builtin_convertvector(a, f32x16); }
VEC u32x16 vlowNibbles(u32x16 w) { return w & 0x0F0F0F0Fu; }
VEC u32x16 vhighNibbles(u32x16 w) { return (w >> 4) & 0x0F0F0F0Fu; }
// The four bytes at p in every lane.
VEC i32x16 vsplatBytes(const uint32_t *p) { return (i32x16)(int32_t)*p; }

VEC void vstoreWords(uint32_t *p, u32x16 w) { *(u32x16_at4 *)p = w; }
VEC i32x16 vshiftLeft4(i32x16 a) { return a << 4; }
VEC i32x16 vmaxInt(i32x16 a, i32x16 b) { return a > b ? a : b; }
VEC i32x16 vminInt(i32x16 a, i32x16 b) { return a < b ? a : b; }
VEC int32_t vsumInt(i32x16 v) { VTREE(i32x16, v, vaddInt); }
VEC int32_t vmaxLaneInt(i32x16 v) { VTREE(i32x16, v, vmaxInt); }
// Lowest lane that equals x; 16 for none.
VEC int32_t vfirstEqual(i32x16 v, int32_t x) {
  i32x16 lane = v == x ? vlanes() : vsplatInt(16);
  VTREE(i32x16, lane, vminInt);
}

// Nearest whole number, ties to even, of values within +-2^22.
VEC i32x16 vround(f32x16 a) { return (i32x16)(a + 12582912.0f) - 0x4B400000; }
// Low bytes of the lanes.
VEC void vstoreBytes(uint8_t *p, i32x16 v) { *(u8x16_at1 *)p = __builtin_convertvector(v, u8x16); }
VEC f32x16 vloadInt8(const int8_t *p) { return __builtin_convertvector(*(const i8x16_at1 *)p, f32x16); }
// IEEE binary16 of v, to nearest even; NaN stays NaN.
VEC uint16_t vhalfBits(float v) {
  _Float16 h = (_Float16)v;
  return __builtin_bit_cast(uint16_t, h);
}
VEC float vhalfValue(uint16_t bits) { return (float)__builtin_bit_cast(_Float16, bits); }

// Per lane: acc + sum of four products of unsigned bytes of w with signed bytes of x. Never saturates.
// "Nibbles": the bytes of w are at most 15.
#if defined(__AVX512VNNI__)
VEC i32x16 vdotBytes(i32x16 acc, u32x16 w, i32x16 x) {
  return __builtin_ia32_vpdpbusd512(acc, (i32x16)w, x);
}
VEC i32x16 vdotNibbles(i32x16 acc, u32x16 w, i32x16 x) { return vdotBytes(acc, w, x); }
#elif defined(__AVX2__)
typedef short s16x16 __attribute__((__vector_size__(32)));
typedef char s8x32 __attribute__((__vector_size__(32)));
typedef int i32x8 __attribute__((ext_vector_type(8)));
VEC i32x8 vdotHalf(i32x8 acc, i32x8 w, i32x8 x) {
  // 255 x 127 twice exceeds sixteen bits, so even and odd bytes are widened and multiplied apart.
  i32x8 even = (i32x8)__builtin_ia32_pmaddwd256(
      (s16x16)(w & 0x00FF00FF), (s16x16)(((s16x16)x << 8) >> 8));
  i32x8 odd = (i32x8)__builtin_ia32_pmaddwd256(
      (s16x16)((w >> 8) & 0x00FF00FF), (s16x16)((s16x16)x >> 8));
  return acc + even + odd;
}
VEC i32x8 vdotNibblesHalf(i32x8 acc, i32x8 w, i32x8 x) {
  s16x16 pairs = (s16x16)__builtin_ia32_pmaddubsw256((s8x32)w, (s8x32)x);
  s16x16 ones = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  return acc + (i32x8)__builtin_ia32_pmaddwd256(pairs, ones);
}
#define VHALVES(f, acc, w, x)                                                                     \
  i32x8 lo = f(acc.lo, ((i32x16)w).lo, x.lo), hi = f(acc.hi, ((i32x16)w).hi, x.hi);               \
  return __builtin_shufflevector(lo, hi, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
VEC i32x16 vdotBytes(i32x16 acc, u32x16 w, i32x16 x) { VHALVES(vdotHalf, acc, w, x); }
VEC i32x16 vdotNibbles(i32x16 acc, u32x16 w, i32x16 x) { VHALVES(vdotNibblesHalf, acc, w, x); }
#else
VEC i32x16 vdotBytes(i32x16 acc, u32x16 w, i32x16 x) {
  for (int byte = 0; byte < 4; byte++) {
    acc += (i32x16)((w >> (8 * byte)) & 0xFFu) * ((x << (24 - 8 * byte)) >> 24);
  }
  return acc;
}
VEC i32x16 vdotNibbles(i32x16 acc, u32x16 w, i32x16 x) { return vdotBytes(acc, w, x); }
#endif
// Per lane two fused multiply-adds of the bfloat16 halves of w and x, the high (odd) ones first, subnormal numbers as
// zeros. Callers make sure that the processor has it.
#if defined(__AVX512BF16__)
typedef __bf16 bf16x32 __attribute__((__vector_size__(64)));
VEC f32x16 vdotPairs(f32x16 acc, u32x16 w, i32x16 x) {
  return (f32x16)__builtin_ia32_dpbf16ps_512(acc, (bf16x32)w, (bf16x32)x);
}
#endif
#pragma clang diagnostic pop
#endif
