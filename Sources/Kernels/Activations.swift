import CIntrinsics

/// y = gate / (1 + e^-gate) * up, element by element: SiLU of the gate times the up projection.
///
/// - Parameter columns: columns that this call computes, at the same place in gate, up and y. y may be gate or up.
package func siluMul(
  gate: UnsafePointer<Float>, gateStride: Int, up: UnsafePointer<Float>, upStride: Int,
  y: UnsafeMutablePointer<Float>, yStride: Int, rows: Range<Int>, columns: Range<Int>
) {
  for row in rows {
    var i = columns.lowerBound
    while i < columns.upperBound {
      let lanes = columns.upperBound - i
      let g = loadLanes(gate + row * gateStride + i, lanes)
      let u = loadLanes(up + row * upStride + i, lanes)
      let silu = vdiv(g, vadd(vsplat(1), vexp(vnegate(g))))
      storeLanes(y + row * yStride + i, vmul(silu, u), lanes)
      i += 16
    }
  }
}

/// y = gelu(gate) * up with the tanh form of GELU, as x * sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)).
package func geluTanhMul(
  gate: UnsafePointer<Float>, gateStride: Int, up: UnsafePointer<Float>, upStride: Int,
  y: UnsafeMutablePointer<Float>, yStride: Int, rows: Range<Int>, columns: Range<Int>
) {
  for row in rows {
    var i = columns.lowerBound
    while i < columns.upperBound {
      let lanes = columns.upperBound - i
      let g = loadLanes(gate + row * gateStride + i, lanes)
      let u = loadLanes(up + row * upStride + i, lanes)
      // -2 sqrt(2/pi) = -1.5957692, times 0.044715 = -0.07135481.
      let exponent = vmul(g, vfma(vsplat(-0.07135481), vmul(g, g), vsplat(-1.5957692)))
      let gelu = vdiv(g, vadd(vsplat(1), vexp(exponent)))
      storeLanes(y + row * yStride + i, vmul(gelu, u), lanes)
      i += 16
    }
  }
}

/// y = 1 / (1 + e^-x), element by element. y may be x.
package func sigmoid(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  while i < count {
    storeLanes(y + i, vsigmoid(loadLanes(x + i, count - i)), count - i)
    i += 16
  }
}

/// y = tanh x, element by element. y may be x.
package func hyperbolicTangent(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  while i < count {
    storeLanes(y + i, vtanh(loadLanes(x + i, count - i)), count - i)
    i += 16
  }
}

/// y = cap * tanh(x / cap), element by element: the soft cap of logits. y may be x.
package func softCap(x: UnsafePointer<Float>, cap: Float, y: UnsafeMutablePointer<Float>, count: Int) {
  let c = vsplat(cap)
  var i = 0
  while i < count {
    storeLanes(y + i, vmul(c, vtanh(vdiv(loadLanes(x + i, count - i), c))), count - i)
    i += 16
  }
}

/// y = e^x, element by element. y may be x.
package func exponentials(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  while i < count {
    storeLanes(y + i, vexp(loadLanes(x + i, count - i)), count - i)
    i += 16
  }
}
