// Double-precision functions without libm, for tables and single values: the same bits on every machine.
// Errors are below 1e-15 relative (sine and cosine: absolute) in the ranges used; tests compare with libm.

/// Rounds to the nearest integer, ties to even, for |x| < 2^51.
@inline(__always)
private func nearest(_ x: Double) -> Double {
  let magic = 0x1.8p52
  return (x + magic) - magic
}

/// e^x; +infinity above 709.78, 0 below -745.
package func exponential(_ x: Double) -> Double {
  if x != x { return x }
  if x > 709.782712893384 { return .infinity }
  if x < -745.2 { return 0 }
  let n = nearest(x * 1.4426950408889634)
  let r = (x.addingProduct(-n, 0x1.62e42feep-1)).addingProduct(-n, 0x1.a39ef35793c76p-33)
  // Taylor series: |r| <= 0.347, the term of degree 14 is below 5e-18.
  var p = 1.0 / 6_227_020_800
  for divisor in [479_001_600.0, 39_916_800, 3_628_800, 362_880, 40_320, 5_040, 720, 120, 24, 6, 2, 1, 1] {
    p = (1 / divisor).addingProduct(p, r)
  }
  let half = Int(n) >> 1
  return p * powerOfTwo(half) * powerOfTwo(Int(n) - half)
}

/// 2^n for -1022...1023.
@inline(__always)
private func powerOfTwo(_ n: Int) -> Double { Double(bitPattern: UInt64(n + 1023) << 52) }

/// Natural logarithm; -infinity at 0, NaN below.
package func logarithm(_ x: Double) -> Double {
  if !(x > 0) { return x == 0 ? -.infinity : .nan }
  if x == .infinity { return x }
  var m = x.significand
  var e = Double(x.exponent)
  if m > 1.4142135623730951 {
    m *= 0.5
    e += 1
  }
  // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.1716.
  let s = (m - 1) / (m + 1)
  let z = s * s
  var p = 1.0 / 25
  for divisor in [23.0, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3] { p = (1 / divisor).addingProduct(p, z) }
  let tail = 2 * s * z * p
  return (e * 0x1.62e42feep-1) + ((2 * s) + tail.addingProduct(e, 0x1.a39ef35793c76p-33))
}

/// base^exponent for base > 0.
package func power(_ base: Double, _ exponent: Double) -> Double { exponential(exponent * logarithm(base)) }

/// sin x for |x| up to 2^30.
package func sine(_ x: Double) -> Double {
  let (r, quadrant) = reducedAngle(x)
  switch quadrant {
  case 0: return sineSeries(r)
  case 1: return cosineSeries(r)
  case 2: return -sineSeries(r)
  default: return -cosineSeries(r)
  }
}

/// cos x for |x| up to 2^30.
package func cosine(_ x: Double) -> Double {
  let (r, quadrant) = reducedAngle(x)
  switch quadrant {
  case 0: return cosineSeries(r)
  case 1: return -sineSeries(r)
  case 2: return -cosineSeries(r)
  default: return sineSeries(r)
  }
}

/// x minus the nearest multiple of pi / 2, in three exact steps (Cody and Waite), and the multiple modulo 4.
@inline(__always)
private func reducedAngle(_ x: Double) -> (Double, Int) {
  let n = nearest(x * 0.6366197723675814)
  var r = x.addingProduct(-n, 0x1.921fb54442d18p0)
  r = r.addingProduct(-n, 0x1.1a62633145c07p-54)
  r = r.addingProduct(-n, -0x1.f1976b7ed8fbcp-110)
  return (r, Int(n) & 3)
}

/// Taylor series of sine for |r| <= pi / 4 to degree 17.
@inline(__always)
private func sineSeries(_ r: Double) -> Double {
  let z = r * r
  var p = 1.0 / 355_687_428_096_000
  p = (-1.0 / 1_307_674_368_000).addingProduct(p, z)
  p = (1.0 / 6_227_020_800).addingProduct(p, z)
  p = (-1.0 / 39_916_800).addingProduct(p, z)
  p = (1.0 / 362_880).addingProduct(p, z)
  p = (-1.0 / 5_040).addingProduct(p, z)
  p = (1.0 / 120).addingProduct(p, z)
  p = (-1.0 / 6).addingProduct(p, z)
  return r.addingProduct(r * z, p)
}

/// Taylor series of cosine for |r| <= pi / 4 to degree 16.
@inline(__always)
private func cosineSeries(_ r: Double) -> Double {
  let z = r * r
  var p = 1.0 / 20_922_789_888_000
  p = (-1.0 / 87_178_291_200).addingProduct(p, z)
  p = (1.0 / 479_001_600).addingProduct(p, z)
  p = (-1.0 / 3_628_800).addingProduct(p, z)
  p = (1.0 / 40_320).addingProduct(p, z)
  p = (-1.0 / 720).addingProduct(p, z)
  p = (1.0 / 24).addingProduct(p, z)
  p = (-0.5).addingProduct(p, z)
  return (1.0).addingProduct(p, z)
}
