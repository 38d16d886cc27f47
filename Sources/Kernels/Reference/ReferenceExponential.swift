/// The scalar twin of `vexp`: the same operations in the same order.
package func referenceExp(_ value: Float) -> Float {
  var x = value > 89 ? 89 : value
  x = -105 > x ? -105 : x
  let magic: Float = 0x1.8p23
  let shifted = magic.addingProduct(x, 1.442695)
  let n = Int32(bitPattern: shifted.bitPattern) &- Int32(bitPattern: magic.bitPattern)
  let nf = shifted - magic
  var r = x.addingProduct(nf, -0.693359375)
  r = r.addingProduct(nf, 2.1219444e-4)
  var q = Float(0.00836897).addingProduct(0.0013950629, r)
  q = Float(0.041666202).addingProduct(q, r)
  q = Float(0.16666518).addingProduct(q, r)
  q = Float(0.5).addingProduct(q, r)
  let p = 1 + r.addingProduct(r * r, q)
  let half = n >> 1
  return p * powerOfTwo(half) * powerOfTwo(n &- half)
}

/// 2^n, by the exponent bits.
private func powerOfTwo(_ n: Int32) -> Float { Float(bitPattern: UInt32(bitPattern: (n &+ 127) &<< 23)) }

/// The scalar twin of `vtanh`.
package func referenceTanh(_ x: Float) -> Float {
  let z = x * x
  var p = Float(0.020650575).addingProduct(-0.0057170326, z)
  p = Float(-0.053743493).addingProduct(p, z)
  p = Float(0.13331491).addingProduct(p, z)
  p = Float(-0.33333284).addingProduct(p, z)
  let magnitude = Float(bitPattern: x.bitPattern & 0x7FFF_FFFF)
  if magnitude > 0.625 {
    let large = 1 - 2 / (referenceExp(magnitude + magnitude) + 1)
    return Float(bitPattern: x.bitPattern & 0x8000_0000 | large.bitPattern)
  }
  return x.addingProduct(x * z, p)
}

/// The scalar twin of `vsigmoid`.
package func referenceSigmoid(_ x: Float) -> Float { 1 / (1 + referenceExp(-x)) }
