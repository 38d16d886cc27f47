import CIntrinsics

/// y += x: the residual addition.
package func addInPlace(y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, count: Int) {
  var i = 0
  while i < count {
    storeLanes(y + i, vadd(loadLanes(y + i, count - i), loadLanes(x + i, count - i)), count - i)
    i += 16
  }
}

/// y = fma(scale, x, y): one expert's result joins a token's output.
package func scaledAccumulate(
  y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, scale: Float, count: Int
) {
  let s = vsplat(scale)
  var i = 0
  while i < count {
    storeLanes(y + i, vfma(s, loadLanes(x + i, count - i), loadLanes(y + i, count - i)), count - i)
    i += 16
  }
}

/// y = x * scale. y may be x.
package func multiply(y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, scale: Float, count: Int) {
  let s = vsplat(scale)
  var i = 0
  while i < count {
    storeLanes(y + i, vmul(loadLanes(x + i, count - i), s), count - i)
    i += 16
  }
}

/// f32 to bfloat16 bits, to nearest, ties to even; NaN becomes quiet.
package func convertToBF16(x: UnsafePointer<Float>, y: UnsafeMutablePointer<UInt16>, count: Int) {
  var i = 0
  while i + 16 <= count {
    vstoreBF16(y + i, vload(x + i))
    i += 16
  }
  if i < count {
    var rest = InlineArray<16, UInt16>(repeating: 0)
    var span = rest.mutableSpan
    span.withUnsafeMutableBufferPointer { buffer in
      vstoreBF16(buffer.baseAddress!, vloadPart(x + i, count - i))
      (y + i).update(from: buffer.baseAddress!, count: count - i)
    }
  }
}

/// bfloat16 bits to f32, exactly.
package func convertFromBF16(x: UnsafePointer<UInt16>, y: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  while i + 16 <= count {
    vstore(y + i, vloadBF16(x + i))
    i += 16
  }
  while i < count {
    y[i] = Float(bitPattern: UInt32(x[i]) << 16)
    i += 1
  }
}
