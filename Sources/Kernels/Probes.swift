import CIntrinsics

// What the machine can do at best: the denominators of every efficiency figure.

/// Reads `byteCount` bytes once, a multiple of 256, and returns their sum as floats so that no read can be
/// left out.
package func readProbe(_ bytes: UnsafeRawPointer, byteCount: Int, prefetchBytes: Int) -> Float {
  var a0 = vsplat(0)
  var a1 = vsplat(0)
  var a2 = vsplat(0)
  var a3 = vsplat(0)
  var p = bytes.assumingMemoryBound(to: Float.self)
  let ahead = prefetchBytes / 4
  for _ in 0..<byteCount / 256 {
    vprefetch(p + ahead)
    vprefetch(p + ahead + 16)
    vprefetch(p + ahead + 32)
    vprefetch(p + ahead + 48)
    a0 = vadd(a0, vload(p))
    a1 = vadd(a1, vload(p + 16))
    a2 = vadd(a2, vload(p + 32))
    a3 = vadd(a3, vload(p + 48))
    p += 64
  }
  return vsum(vadd(vadd(a0, a1), vadd(a2, a3)))
}

/// `rounds` of 96 independent fused multiply-adds (192 floating-point operations), from registers only.
///
/// Six vectors keep AVX2's two pipes of latency four busy (twelve registers); one register a vector needs
/// twelve.
package func arithmeticProbe(rounds: Int, seed: Float) -> Float {
  let x = vsplat(seed)
  let y = vsplat(0.5)
  var a0 = vsplat(0)
  var a1 = vsplat(1)
  var a2 = vsplat(2)
  var a3 = vsplat(3)
  var a4 = vsplat(4)
  var a5 = vsplat(5)
  #if KERNELS_AVX512
    var b0 = vsplat(6)
    var b1 = vsplat(7)
    var b2 = vsplat(8)
    var b3 = vsplat(9)
    var b4 = vsplat(10)
    var b5 = vsplat(11)
    let loops = rounds / 2
  #else
    let loops = rounds
  #endif
  for _ in 0..<loops {
    a0 = vfma(a0, y, x)
    a1 = vfma(a1, y, x)
    a2 = vfma(a2, y, x)
    a3 = vfma(a3, y, x)
    a4 = vfma(a4, y, x)
    a5 = vfma(a5, y, x)
    #if KERNELS_AVX512
      b0 = vfma(b0, y, x)
      b1 = vfma(b1, y, x)
      b2 = vfma(b2, y, x)
      b3 = vfma(b3, y, x)
      b4 = vfma(b4, y, x)
      b5 = vfma(b5, y, x)
    #endif
  }
  #if KERNELS_AVX512
    a0 = vadd(a0, vadd(vadd(vadd(b0, b1), vadd(b2, b3)), vadd(b4, b5)))
  #endif
  return vsum(vadd(vadd(vadd(a0, a1), vadd(a2, a3)), vadd(a4, a5)))
}
