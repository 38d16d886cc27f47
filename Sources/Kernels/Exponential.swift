import CIntrinsics

// Own polynomials over sixteen lanes; `Reference/ReferenceExponential.swift` spells the same operations for one value.

/// e^x per lane, error at most 1.1 ulp: 0 below about -104, +infinity above 88.73, NaN stays NaN.
///
/// x = n ln 2 + r with |r| <= 0.347; e^r = 1 + (r + r^2 q(r)), q of degree 4 fitted to 3e-9; 2^n in two exact factors.
@inline(__always)
func vexp(_ x: SIMD16<Float>) -> SIMD16<Float> {
  var x = vselect(vgreater(x, vsplat(89)), vsplat(89), x)
  x = vselect(vgreater(vsplat(-105), x), vsplat(-105), x)
  let magic = vsplat(0x1.8p23)
  let shifted = vfma(x, vsplat(1.442695), magic)
  let n = vsubInt(vbits(shifted), vbits(magic))
  let nf = vsub(shifted, magic)
  var r = vfma(nf, vsplat(-0.693359375), x)
  r = vfma(nf, vsplat(2.1219444e-4), r)
  var q = vfma(vsplat(0.0013950629), r, vsplat(0.00836897))
  q = vfma(q, r, vsplat(0.041666202))
  q = vfma(q, r, vsplat(0.16666518))
  q = vfma(q, r, vsplat(0.5))
  let p = vadd(vsplat(1), vfma(vmul(r, r), q, r))
  let half = vhalve(n)
  return vmul(vmul(p, vpowerOfTwo(half)), vpowerOfTwo(vsubInt(n, half)))
}

/// tanh x per lane: x + x^3 P(x^2) below 0.625 (P of degree 4, fitted to 4e-9), else 1 - 2 / (e^2|x| + 1) with x's sign.
@inline(__always)
func vtanh(_ x: SIMD16<Float>) -> SIMD16<Float> {
  let signBit = vsplatInt(Int32(bitPattern: 0x8000_0000))
  let magnitude = vfromBits(vand(vbits(x), vsplatInt(0x7FFF_FFFF)))
  let z = vmul(x, x)
  var p = vfma(vsplat(-0.0057170326), z, vsplat(0.020650575))
  p = vfma(p, z, vsplat(-0.053743493))
  p = vfma(p, z, vsplat(0.13331491))
  p = vfma(p, z, vsplat(-0.33333284))
  let small = vfma(vmul(x, z), p, x)
  let e = vexp(vadd(magnitude, magnitude))
  let large = vsub(vsplat(1), vdiv(vsplat(2), vadd(e, vsplat(1))))
  let signed = vfromBits(vor(vand(vbits(x), signBit), vbits(large)))
  return vselect(vgreater(magnitude, vsplat(0.625)), signed, small)
}

/// 1 / (1 + e^-x) per lane.
@inline(__always)
func vsigmoid(_ x: SIMD16<Float>) -> SIMD16<Float> {
  vdiv(vsplat(1), vadd(vsplat(1), vexp(vnegate(x))))
}
